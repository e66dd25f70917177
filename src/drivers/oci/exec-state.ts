import fs from "node:fs";
import path from "node:path";
import type { OciProcess, OciSpec } from "../../ports/oci-spec.ts";
import type { CliRuntime } from "./runtime.ts";

/** Until 1.8.1. */
const GIVES_TO_THE_CONTAINERS_USER = /^crun version (0\.|1\.[0-7]\b|1\.8(\.[01])?\s)/;

/**
 * An old crun gives the terminal of an exec to the user that the container's own process has, and then the exec's user
 * can't open /dev/pts/N. It reads who that is in its state: this makes a view of that state, below `folder`, in which
 * it is the exec's user. Returns the arguments to use in place of the runtime's global ones.
 */
export async function argsForExecTerminal(
  runtime: CliRuntime,
  spec: { containerId: string; folder: string; process: Pick<OciProcess, "user"> },
): Promise<string[]> {
  const own = path.join(runtime.stateRoot, spec.containerId);
  const state = readState(own);
  const { user } = spec.process;
  if (state === undefined || state.process.user.uid === user.uid) return runtime.globalArgs();
  if (!GIVES_TO_THE_CONTAINERS_USER.test(await runtime.version())) return runtime.globalArgs();
  const root = path.join(spec.folder, "state");
  const view = path.join(root, spec.containerId);
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(view, { recursive: true, mode: 0o700 });
  for (const name of fs.readdirSync(own))
    if (name !== CONFIG) fs.symlinkSync(path.join(own, name), path.join(view, name));
  fs.writeFileSync(path.join(view, CONFIG), JSON.stringify({ ...state, process: { ...state.process, user } }));
  return runtime.globalArgs(root);
}

const CONFIG = "config.json";

/** undefined: the runtime keeps none that looks like crun's. */
function readState(folder: string): OciSpec | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, CONFIG), "utf8")) as OciSpec;
  } catch {
    return undefined;
  }
}

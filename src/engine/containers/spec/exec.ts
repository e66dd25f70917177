import path from "node:path";
import type { ContainerConfig, HostConfig } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";
import type { OciProcess } from "../../../ports/oci-spec.ts";
import type { ResolvedUser } from "./facts.ts";
import { refuseProcFd } from "./guards.ts";
import { environmentOf, framedProcess, workingDirectoryOf } from "./process.ts";

export interface ExecRequest {
  Cmd?: string[];
  Env?: string[];
  Tty?: boolean;
  Privileged?: boolean;
  WorkingDir?: string;
  ConsoleSize?: [number, number] | null;
}

/** The OCI process of an exec: the container's own limits and rights, the exec's command, variables and folder. */
export function planExec(
  config: ContainerConfig,
  hostConfig: HostConfig,
  exec: ExecRequest,
  user: ResolvedUser,
  host: HostFacts,
  remapped: boolean,
): OciProcess {
  if (exec.WorkingDir && !path.posix.isAbsolute(exec.WorkingDir)) {
    throw new GantryError("invalid", "BAD_WORKDIR", `Cwd must be an absolute path: ${exec.WorkingDir}`);
  }
  const cwd = workingDirectoryOf({ WorkingDir: exec.WorkingDir || config.WorkingDir });
  refuseProcFd(cwd);
  const tty = exec.Tty === true;
  const privileged = exec.Privileged || hostConfig.Privileged || false;
  const command = {
    args: exec.Cmd ?? [],
    env: environmentOf({
      env: [...(config.Env ?? []), ...(exec.Env ?? [])],
      hostname: config.Hostname ?? "",
      tty,
      home: user.home,
    }),
    cwd,
  };
  return framedProcess({ command, hostConfig, privileged, tty, consoleSize: exec.ConsoleSize, user, remapped, host });
}

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import { GantryError } from "../../base/errors.ts";
import type { BaseImageRecipe } from "../../ports/base-image-maker.ts";
import { spawn } from "../process/run.ts";
import { settleDebianTree } from "./debian-settle.ts";
import { explainFailure, statusOf } from "./debian-output.ts";

type DebianRecipe = Extract<BaseImageRecipe, { family: "debian" }>;

export interface DebianOptions {
  onStatus: (status: string) => void;
  signal: AbortSignal;
  /** Where the tool may put its own temporary files. */
  temp: string;
}

/** Milliseconds between asking a tool to stop and ending it. */
const GRACE = 10_000;
/** Lines of output kept for an error's sake. */
const KEPT = 200;

interface Tool {
  program: string;
  argv: string[];
}

/** The tools that can do it, the better first. */
function toolsFor(recipe: DebianRecipe, root: string): Tool[] {
  const mirror = recipe.mirror === undefined ? [] : [recipe.mirror];
  return [
    {
      program: "mmdebstrap",
      argv: [
        "--variant=minbase",
        "--mode=root",
        "--format=directory",
        "--skip=output/dev",
        "--",
        recipe.suite,
        root,
        ...mirror,
      ],
    },
    {
      // Its mounts of /proc and /sys stay in a namespace of its own.
      program: "unshare",
      argv: [
        "--mount",
        "--propagation=private",
        "debootstrap",
        "--variant=minbase",
        "--merged-usr",
        recipe.suite,
        root,
        ...mirror,
      ],
    },
  ];
}

/**
 * Installs a minimal Debian at `root` and takes out what is this machine's. Returns when its newest package file was
 * made. Errors as BaseImageMaker's.
 */
export async function makeDebianTree(root: string, recipe: DebianRecipe, options: DebianOptions): Promise<Date> {
  for (const tool of toolsFor(recipe, root)) {
    const outcome = await install(tool, recipe, options);
    if (outcome === "not installed") continue;
    options.onStatus("Taking out what is this machine's");
    return settleDebianTree(root, recipe);
  }
  throw new GantryError("unavailable", "BASE_TOOL_MISSING", "neither mmdebstrap nor debootstrap is installed", {
    hint: "apt-get install mmdebstrap",
  });
}

async function install(
  { program, argv }: Tool,
  recipe: DebianRecipe,
  options: DebianOptions,
): Promise<"done" | "not installed"> {
  const child = spawn(program, argv, {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that a stop reaches apt and dpkg as well.
    detached: true,
    env: {
      ...proxies(),
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      LC_ALL: "C.UTF-8",
      TMPDIR: options.temp,
      SOURCE_DATE_EPOCH: String(recipe.epoch),
      DEBIAN_FRONTEND: "noninteractive",
    },
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    readline.createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (lines.length > KEPT) lines.shift();
      const status = statusOf(line);
      if (status !== undefined) options.onStatus(status);
    });
  }
  const stop = stopper(child, options.signal);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    if (options.signal.aborted) throw new GantryError("canceled", "CANCELED", "canceled");
    if (code === 0) return "done";
    if (code === 127 || lines.some((line) => /failed to execute debootstrap/.test(line))) return "not installed";
    throw explainFailure(lines, recipe.mirror);
  } catch (error) {
    if (isMissing(error)) return "not installed";
    throw error;
  } finally {
    stop.forget();
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** Only what a download needs of the environment. */
function proxies(): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function stopper(child: ChildProcess, signal: AbortSignal): { forget(): void } {
  let timer: NodeJS.Timeout | undefined;
  const kill = (name: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // it has ended meanwhile
    }
  };
  const onAbort = (): void => {
    kill("SIGTERM");
    timer = setTimeout(() => kill("SIGKILL"), GRACE);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    forget: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

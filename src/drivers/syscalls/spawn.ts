import koffi from "koffi";
import { check, declare, SyscallError } from "./libc.ts";

const libc = koffi.load("libc.so.6");
const spawnNative = libc.func(
  "int posix_spawnp(_Out_ int *pid, const char *file, const uint8_t *actions, const uint8_t *attributes, const char **argv, const char **env)",
);
const waitNative = libc.func("int waitpid(int pid, _Out_ int *status, int flags)");
const pipeNative = libc.func("int pipe2(_Out_ int *ends, int flags)");
const actionsInit = declare("int posix_spawn_file_actions_init(uint8_t *actions)");
const actionsDestroy = declare("int posix_spawn_file_actions_destroy(uint8_t *actions)");
const actionsDup = declare("int posix_spawn_file_actions_adddup2(uint8_t *actions, int from, int to)");
const actionsOpen = declare(
  "int posix_spawn_file_actions_addopen(uint8_t *actions, int fd, const char *path, int flags, int mode)",
);
const attributesInit = declare("int posix_spawnattr_init(uint8_t *attributes)");
const attributesFlags = declare("int posix_spawnattr_setflags(uint8_t *attributes, short flags)");
const attributesDefault = declare("int posix_spawnattr_setsigdefault(uint8_t *attributes, const uint8_t *signals)");
const attributesMask = declare("int posix_spawnattr_setsigmask(uint8_t *attributes, const uint8_t *signals)");

// glibc: posix_spawn_file_actions_t has 80 bytes, posix_spawnattr_t 336, sigset_t 128.
const ACTIONS_SIZE = 128;
const ATTRIBUTES_SIZE = 512;
const SIGNALS_SIZE = 128;
const SETSIGDEF = 4;
const SETSIGMASK = 8;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const WNOHANG = 1;

/** A pipe; both ends close on exec. */
export function openPipe(): { read: number; write: number } {
  const ends = [0, 0];
  check(pipeNative(ends, O_CLOEXEC) as number, "pipe2");
  return { read: ends[0]!, write: ends[1]! };
}

/**
 * posix_spawnp(3): starts a program and gives its pid; the caller reaps it with `reap`. The child has the descriptors
 * of `fds` (its number to ours; "null" is /dev/null), signals as at the start of a program, and lives in the calling
 * thread's namespaces and folder. glibc shares our memory with it until it runs, so the cost does not grow with ours.
 * Throws SyscallError, with ENOENT when there is no such program.
 */
export function posixSpawn(
  file: string,
  argv: string[],
  env: NodeJS.ProcessEnv,
  fds: ReadonlyMap<number, number | "null">,
): number {
  const actions = Buffer.alloc(ACTIONS_SIZE);
  const attributes = Buffer.alloc(ATTRIBUTES_SIZE);
  actionsInit(actions);
  try {
    for (const [to, from] of fds) {
      if (from === "null") actionsOpen(actions, to, "/dev/null", O_RDWR, 0);
      else actionsDup(actions, from, to);
    }
    attributesInit(attributes);
    attributesFlags(attributes, SETSIGDEF | SETSIGMASK);
    attributesDefault(attributes, Buffer.alloc(SIGNALS_SIZE, 0xff));
    attributesMask(attributes, Buffer.alloc(SIGNALS_SIZE));
    const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    const pid = [0];
    const error = spawnNative(pid, file, actions, attributes, [file, ...argv, null], [...variables, null]) as number;
    if (error !== 0) throw new SyscallError("posix_spawn", error, file);
    return pid[0]!;
  } finally {
    actionsDestroy(actions);
  }
}

/** How a child ended; undefined while it runs. Reaps it: its pid means nothing afterwards. */
export function reap(pid: number): { code: number | null; signal: number | null } | undefined {
  const status = [0];
  if (check(waitNative(pid, status, WNOHANG) as number, "waitpid") === 0) return undefined;
  const signal = status[0]! & 0x7f;
  return signal === 0 ? { code: (status[0]! >> 8) & 0xff, signal: null } : { code: null, signal };
}

/** Waits for the end of a child that is about to end, and reaps it. */
export function waitFor(pid: number): void {
  for (;;) {
    try {
      check(waitNative(pid, [0], 0) as number, "waitpid");
      return;
    } catch (error) {
      if (!(error instanceof SyscallError && error.code === "EINTR")) throw error;
    }
  }
}

import koffi from "koffi";

type Native = (...args: unknown[]) => unknown;

const OUTPUT_JSON = 1 << 4;
const OUTPUT_HANDLE = 1 << 3;
const ATTEMPTS = 5;

/** libnftables' answer: its exit code, and what nft would print on stdout and stderr. */
export interface NftAnswer {
  code: number;
  output: string;
  error: string;
}

/** Runs nft commands; all of one text are one transaction, which may be run twice. */
export interface NftSession {
  run(text: string): NftAnswer;
  /** The listing of `command` as nft's JSON. */
  list(command: string): NftAnswer;
  /** The same as text, with handles. */
  show(command: string): NftAnswer;
  close(): void;
}

/**
 * A session in this process, in the calling thread's network namespace (and there it stays).
 * Undefined where libnftables is not installed.
 */
export function openLibrarySession(): NftSession | undefined {
  let lib: ReturnType<typeof koffi.load>;
  try {
    lib = koffi.load("libnftables.so.1");
  } catch {
    return undefined;
  }
  const fn = (prototype: string): Native => lib.func(prototype) as unknown as Native;
  const create = fn("void *nft_ctx_new(uint32_t flags)");
  const free = fn("void nft_ctx_free(void *ctx)");
  const bufferOutput = fn("int nft_ctx_buffer_output(void *ctx)");
  const bufferError = fn("int nft_ctx_buffer_error(void *ctx)");
  const setFlags = fn("void nft_ctx_output_set_flags(void *ctx, unsigned int flags)");
  const runNative = fn("int nft_run_cmd_from_buffer(void *ctx, const char *buf)");
  const output = fn("const char *nft_ctx_get_output_buffer(void *ctx)");
  const error = fn("const char *nft_ctx_get_error_buffer(void *ctx)");
  const context = create(0);
  if (context === null) return undefined;
  bufferOutput(context);
  bufferError(context);
  const once = (text: string): NftAnswer => {
    const code = runNative(context, text) as number;
    // reading a buffer also empties it
    return { code, output: (output(context) as string | null) ?? "", error: (error(context) as string | null) ?? "" };
  };
  // a signal (a child's end, say) while it waits for the kernel's answer is an error to it, whatever the kernel did
  const run = (text: string): NftAnswer => {
    for (let left = ATTEMPTS; ; left--) {
      const answer = once(text);
      if (answer.code === 0 || left === 1 || !answer.error.includes("Interrupted system call")) return answer;
    }
  };
  const runWith = (flags: number, command: string): NftAnswer => {
    setFlags(context, flags);
    try {
      return run(command);
    } finally {
      setFlags(context, 0);
    }
  };
  return {
    run,
    list: (command) => runWith(OUTPUT_JSON | OUTPUT_HANDLE, command),
    show: (command) => runWith(OUTPUT_HANDLE, command),
    close: () => void free(context),
  };
}

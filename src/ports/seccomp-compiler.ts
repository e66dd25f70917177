/** linux.seccomp of config.json, as far as a filter's decisions go. */
export interface SeccompSource {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: readonly string[];
  flags?: readonly string[];
  syscalls?: readonly {
    names: readonly string[];
    action: string;
    errnoRet?: number;
    args?: readonly { index: number; value: number; valueTwo?: number; op: string }[];
  }[];
}

/**
 * Turns a filter into the kernel's own program once, so that the runtime need not do so at every start (with
 * libseccomp that takes 20 ms of a start's 30).
 */
export interface SeccompCompiler {
  /**
   * The program as base64, or undefined when it cannot be compiled here (no library, an action or operator that it
   * does not know): the runtime then does it from the source. Remembers what it compiled.
   */
  compile(source: SeccompSource): string | undefined;
}

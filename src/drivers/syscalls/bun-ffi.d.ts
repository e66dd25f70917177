/** What termios-bun.ts needs of Bun's own module for C functions. */
declare module "bun:ffi" {
  type CType = "i32" | "ptr" | "void";
  export function dlopen<Names extends string>(
    library: string,
    functions: Record<Names, { args: CType[]; returns: CType }>,
  ): { symbols: Record<Names, (...args: (number | Uint8Array)[]) => number> };
}

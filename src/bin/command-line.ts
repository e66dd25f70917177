import { main } from "../cli/main.ts";
import { DescriptorOutput } from "../cli/terminal/output.ts";

/** Runs this process's command line to its end. `termios` is loaded only when a terminal is handed over. */
export function runCommandLine(termios: () => Promise<{ rawTerminal(fd: number): () => void }>): void {
  const status = main(process.argv.slice(2), {
    out: new DescriptorOutput(1),
    err: new DescriptorOutput(2),
    env: process.env,
    cwd: process.cwd(),
    programs: async () => {
      const { connectProgram, runProgram } = await import("../drivers/process/programs.ts");
      return { run: runProgram, connect: connectProgram };
    },
    rawTerminal: async () => (await termios()).rawTerminal(0),
  });
  // Connections that are still open must not hold a finished command back.
  void status.then((code) => process.exit(code));
}

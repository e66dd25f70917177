import { main } from "../cli/main.ts";
import { DescriptorOutput } from "../cli/terminal/output.ts";

const status = main(process.argv.slice(2), {
  out: new DescriptorOutput(1),
  err: new DescriptorOutput(2),
  env: process.env,
  cwd: process.cwd(),
  // Loaded only when a terminal is handed over: native code costs milliseconds at each start.
  programs: async () => {
    const { connectProgram, runProgram } = await import("../drivers/process/programs.ts");
    return { run: runProgram, connect: connectProgram };
  },
  rawTerminal: async () => (await import("../drivers/syscalls/termios.ts")).rawTerminal(0),
});
// Connections that are still open must not hold a finished command back.
void status.then((code) => process.exit(code));

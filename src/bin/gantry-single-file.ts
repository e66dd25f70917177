// The command line as one executable file, whose runtime is Bun: scripts/single-file/build.
import { runCommandLine } from "./command-line.ts";

runCommandLine(() => import("../drivers/syscalls/termios-bun.ts"));

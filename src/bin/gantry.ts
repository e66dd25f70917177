import { runCommandLine } from "./command-line.ts";

// Native code costs milliseconds at each start.
runCommandLine(() => import("../drivers/syscalls/termios.ts"));

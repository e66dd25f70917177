import { atLeast, command } from "../command.ts";
import { checkTerminal } from "../attached.ts";
import { Exit } from "../exit.ts";
import { flag, list, text } from "../flags.ts";
import { environmentOf } from "../run-options/key-values.ts";
import { runSession } from "../terminal/session.ts";
import { followSize, ttySize } from "../terminal/tty.ts";
import type { ExecCreateRequest } from "../../wire/types/containers.ts";

export default command({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  examples: ["gantry exec -it web sh", "gantry exec -u root -e DEBUG=1 web env"],
  args: atLeast(2),
  completes: ["running container"],
  stopsAtArgument: true,
  flags: {
    detach: flag("Detached mode: run command in the background", "d"),
    "detach-keys": text("Override the key sequence for detaching a container"),
    env: list("Set environment variables", "e"),
    "env-file": list("Read in a file of environment variables", undefined, { completes: "file" }),
    interactive: flag("Keep STDIN open even if not attached", "i"),
    privileged: flag("Give extended privileges to the command"),
    tty: flag("Allocate a pseudo-TTY", "t"),
    user: text('Username or UID (format: "<name|uid>[:<group|gid>]")', "u"),
    workdir: text("Working directory inside the container", "w"),
  },
  async run(context, [name = "", ...words], options) {
    const { detach, interactive, tty } = options;
    const detachKeys = options["detach-keys"] ?? context.config().detachKeys;
    const { exec } = await context.engine();
    const request: ExecCreateRequest = {
      Cmd: words,
      User: options.user ?? "",
      Privileged: options.privileged,
      Tty: tty,
      WorkingDir: options.workdir ?? "",
      Env: environmentOf(options["env-file"], options.env, context),
      AttachStdin: interactive && !detach,
      AttachStdout: !detach,
      AttachStderr: !detach,
      Detach: detach,
      DetachKeys: detachKeys ?? "",
    };
    if (!detach) checkTerminal(interactive, tty);
    const { rows, columns } = tty ? ttySize() : { rows: 0, columns: 0 };
    const size = rows > 0 ? { ConsoleSize: [rows, columns] as [number, number] } : {};
    const { Id: id } = await exec.create(name, { ...request, ...size });
    if (detach) {
      await exec.detach(id, { Tty: tty });
      return 0;
    }
    const hijacked = await exec.attach(id, { Tty: tty, ...size });
    const stopResizing = tty ? followSize((height, width) => exec.resize(id, height, width)) : () => {};
    try {
      const end = await runSession(hijacked, {
        rawTerminal: context.rawTerminal,
        tty,
        stdin: interactive,
        out: context.out,
        err: context.err,
        detachKeys,
      });
      if (end === "detached") throw new Exit(1, "read escape sequence");
    } finally {
      stopResizing();
    }
    const { ExitCode } = await exec.inspect(id);
    return ExitCode ?? 0;
  },
});

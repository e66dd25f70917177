import { command, exactly } from "../command.ts";
import { Exit } from "../exit.ts";
import { flag, flagOn, text } from "../flags.ts";
import { runSession } from "../terminal/session.ts";
import { forwardSignals } from "../terminal/signals.ts";
import { followSize } from "../terminal/tty.ts";
import { checkTerminal } from "../attached.ts";

export default command({
  usage: "[OPTIONS] CONTAINER",
  args: exactly(1),
  completes: ["running container"],
  flags: {
    "detach-keys": text("Override the key sequence for detaching a container"),
    "no-stdin": flag("Do not attach STDIN"),
    "sig-proxy": flagOn("Proxy all received signals to the process"),
  },
  async run(context, [name = ""], { "detach-keys": given, "no-stdin": noStdin, "sig-proxy": sigProxy }) {
    const detachKeys = given ?? context.config().detachKeys;
    const { containers } = await context.engine();
    const { Id: id, Config: config, State: state } = await containers.inspect(name);
    if (!state.Running) throw new Exit(1, "You cannot attach to a stopped container, start it first");
    if (state.Paused) throw new Exit(1, "You cannot attach to a paused container, unpause it first");
    if (state.Restarting) throw new Exit(1, "You cannot attach to a restarting container, wait until it is running");
    const tty = config.Tty === true;
    const stdin = !noStdin && config.OpenStdin === true;
    checkTerminal(stdin, tty);
    const { exit } = await containers.wait(id);
    const hijacked = await containers.attach(id, { stdin, stdout: true, stderr: true, detachKeys });
    const stopSignals = sigProxy && !tty ? forwardSignals((signal) => containers.kill(id, signal)) : () => {};
    const stopResizing = tty ? followSize((rows, columns) => containers.resize(id, rows, columns)) : () => {};
    try {
      const end = await runSession(hijacked, {
        rawTerminal: context.rawTerminal,
        tty,
        stdin,
        out: context.out,
        err: context.err,
        detachKeys,
      });
      if (end === "detached") throw new Exit(1, "read escape sequence");
      const { StatusCode, Error: error } = await exit;
      if (error != null && error.Message !== "") throw new Exit(1, error.Message);
      return StatusCode;
    } finally {
      stopSignals();
      stopResizing();
    }
  },
});

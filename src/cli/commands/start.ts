import { atLeast, command, type Context } from "../command.ts";
import { words } from "../errors.ts";
import { Exit } from "../exit.ts";
import { flag, text } from "../flags.ts";

const flags = {
  attach: flag("Attach STDOUT/STDERR and forward signals", "a"),
  checkpoint: text("Restore from this checkpoint"),
  "checkpoint-dir": text("Use a custom checkpoint storage directory"),
  "detach-keys": text("Override the key sequence for detaching a container"),
  interactive: flag("Attach container's STDIN", "i"),
};

export default command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["stopped container"],
  flags,
  async run(
    context,
    names,
    { attach, interactive, checkpoint, "checkpoint-dir": checkpointDir, "detach-keys": detachKeys },
  ) {
    const options = { checkpoint, checkpointDir, detachKeys: detachKeys ?? context.config().detachKeys };
    if (checkpoint !== undefined && names.length > 1) {
      throw new Exit(1, "you cannot restore multiple containers at once");
    }
    if (attach || interactive) {
      if (names.length > 1) throw new Exit(1, "you cannot start and attach multiple containers at once");
      return startAttached(context, names[0]!, interactive, options);
    }
    const { containers } = await context.engine();
    const failed: string[] = [];
    for (const name of names) {
      try {
        await containers.start(name, options);
        context.out.write(`${name}\n`);
      } catch (error) {
        context.err.write(`${words(error)}\n`);
        const { hint } = error as { hint?: string };
        if (hint !== undefined) context.err.write(`hint: ${hint}\n`);
        failed.push(name);
      }
    }
    if (failed.length > 0) throw new Exit(1, `Error: failed to start containers: ${failed.join(", ")}`);
  },
});

async function startAttached(
  context: Context,
  name: string,
  interactive: boolean,
  options: { checkpoint?: string; checkpointDir?: string; detachKeys?: string },
): Promise<number> {
  const engine = await context.engine();
  const { Id: id, Config: config, HostConfig: host } = await engine.containers.inspect(name);
  const { runAttached } = await import("../attached.ts");
  const stdin = interactive && config.OpenStdin === true;
  const result = await runAttached(context, {
    id,
    tty: config.Tty === true,
    stdin,
    stdout: true,
    stderr: true,
    detachKeys: options.detachKeys,
    sigProxy: config.Tty !== true,
    condition: host.AutoRemove === true ? "removed" : "next-exit",
    start: async () => {
      await engine.containers.start(id, options);
    },
  });
  return result.status;
}

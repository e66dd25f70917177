import { GantryError, messageOf } from "../../base/errors.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";
import { atLeast, command, type Context } from "../command.ts";
import { checkTerminal, runAttached } from "../attached.ts";
import { createContainer } from "../create-container.ts";
import { withHint, words } from "../errors.ts";
import { Exit } from "../exit.ts";
import { flag, flagOn, text, type Values } from "../flags.ts";
import { createFlags } from "../run-options/flags.ts";
import { createGroups } from "../run-options/groups.ts";
import { createRequest } from "../run-options/request.ts";
import { ttySize } from "../terminal/tty.ts";

const flags = {
  ...createFlags,
  detach: flag("Run container in background and print container ID", "d"),
  "detach-keys": text("Override the key sequence for detaching a container"),
  "sig-proxy": flagOn("Proxy received signals to the process"),
};

export default command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  examples: [
    "gantry run --rm -it debian bash",
    "gantry run -d --name web -p 8080:80 -v $PWD/site:/usr/share/nginx/html:ro nginx",
    "gantry run --rm -m 256m --cpus 1.5 --network none busybox sh -c 'echo alone'",
  ],
  groups: createGroups,
  args: atLeast(1),
  completes: ["image"],
  stopsAtArgument: true,
  flags,
  async run(context, [image = "", ...words], options) {
    let request: ContainerCreateRequest;
    try {
      if (options.detach && options.attach.length > 0) {
        throw new Exit(1, "conflicting options: cannot specify both --attach and --detach");
      }
      request = createRequest(options, image, words, context);
    } catch (error) {
      throw failure(error, 125);
    }
    if (options.detach) {
      Object.assign(request, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
    } else checkTerminal(request.AttachStdin === true, options.tty);
    if (options.tty) {
      const { rows, columns } = ttySize();
      request.HostConfig!.ConsoleSize = [rows, columns];
    }
    let id = "";
    const detachKeys = options["detach-keys"] ?? context.config().detachKeys;
    try {
      const engine = await context.engine();
      id = await createContainer(context, engine, request, options);
      if (!options.detach) return await runForeground(context, id, request, { ...options, "detach-keys": detachKeys });
      await engine.containers.start(id, { detachKeys });
    } catch (error) {
      throw failure(error);
    }
    context.out.write(`${id}\n`);
  },
});

async function runForeground(
  context: Context,
  id: string,
  request: ContainerCreateRequest,
  options: Values<typeof flags>,
): Promise<number> {
  const engine = await context.engine();
  const result = await runAttached(context, {
    id,
    tty: options.tty,
    stdin: request.AttachStdin === true,
    stdout: request.AttachStdout === true,
    stderr: request.AttachStderr === true,
    detachKeys: options["detach-keys"],
    sigProxy: options["sig-proxy"] && !options.tty,
    condition: options.rm ? "removed" : "next-exit",
    start: async () => {
      await engine.containers.start(id, { detachKeys: options["detach-keys"] });
    },
  });
  return result.status;
}

/** docker tells by the words of the engine's error whether the command was missing (127) or could not be run (126). */
function statusOf(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message))
    return 127;
  return /permission denied|is a directory/.test(message) ? 126 : 125;
}

function failure(error: unknown, status = statusOf(messageOf(error))): Exit {
  if (error instanceof Exit) return error;
  const text = `gantry: ${words(error)}\n\nRun 'gantry run --help' for more information`;
  return new Exit(status, withHint(text, error instanceof GantryError ? error.hint : undefined));
}

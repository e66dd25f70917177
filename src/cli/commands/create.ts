import { atLeast, command } from "../command.ts";
import { createContainer } from "../create-container.ts";
import { Exit } from "../exit.ts";
import { createFlags } from "../run-options/flags.ts";
import { createGroups } from "../run-options/groups.ts";
import { createRequest } from "../run-options/request.ts";
import { messageOf } from "../../base/errors.ts";

export default command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  examples: ["gantry create --name later -e MODE=slow busybox sleep 60"],
  groups: createGroups,
  args: atLeast(1),
  completes: ["image"],
  stopsAtArgument: true,
  flags: createFlags,
  async run(context, [image = "", ...words], options) {
    let request: ReturnType<typeof createRequest>;
    try {
      request = createRequest(options, image, words, context);
    } catch (error) {
      throw new Exit(125, `gantry: ${messageOf(error)}\n\nRun 'gantry create --help' for more information`);
    }
    const engine = await context.engine();
    context.out.write(`${await createContainer(context, engine, request, options)}\n`);
  },
});

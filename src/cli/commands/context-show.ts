import { command, noArgs } from "../command.ts";

export default command({
  usage: "",
  args: noArgs,
  flags: {},
  async run(context) {
    context.out.write(`${context.contextName()}\n`);
  },
});

import { command, exactly } from "../command.ts";
import { readContext } from "../config/context-archive.ts";
import { checkName, ContextStore } from "../config/context-store.ts";
import { openInput } from "../files.ts";

export default command({
  usage: "CONTEXT FILE|-",
  args: exactly(2),
  completes: [[], "file"],
  flags: {},
  async run(context, [name = "", file = ""]) {
    checkName(name);
    const store = new ContextStore(context.configDir);
    if (store.has(name)) throw new Error(`context ${JSON.stringify(name)} already exists`);
    const { meta, tls } = await readContext(await openInput(context, file), name);
    store.save(meta, tls);
    context.out.write(`${name}\n`);
    context.err.write(`Successfully imported context ${JSON.stringify(name)}\n`);
  },
});

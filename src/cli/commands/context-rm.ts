import { atLeast, command } from "../command.ts";
import { DEFAULT_CONTEXT } from "../config/context-name.ts";
import { ContextStore } from "../config/context-store.ts";
import { changeConfig } from "../config/file.ts";
import { forEachName } from "../each.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "CONTEXT [CONTEXT...]",
  args: atLeast(1),
  completes: ["context"],
  flags: { force: flag("Force the removal of a context in use", "f") },
  async run(context, names, { force }) {
    const store = new ContextStore(context.configDir);
    const current = context.contextName();
    return forEachName(context, names, async (name) => {
      if (name === DEFAULT_CONTEXT) throw new Error('context "default" cannot be removed');
      if (!force && !store.has(name)) throw new Error(`context ${JSON.stringify(name)} does not exist`);
      if (name === current) {
        if (!force) throw new Error(`context ${JSON.stringify(name)} is in use, set -f flag to force remove`);
        changeConfig(context, () => ({ currentContext: undefined }));
      }
      store.remove(name);
    });
  },
});

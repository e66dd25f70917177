import { command, exactly } from "../command.ts";
import { DEFAULT_CONTEXT } from "../config/context-name.ts";
import { ContextStore } from "../config/context-store.ts";
import { changeConfig } from "../config/file.ts";
import { hostVariable } from "../config/context-name.ts";

export default command({
  usage: "CONTEXT",
  args: exactly(1),
  completes: ["context"],
  flags: {},
  async run(context, [name = ""]) {
    const own = name !== DEFAULT_CONTEXT;
    if (own) new ContextStore(context.configDir).get(name);
    changeConfig(context, () => ({ currentContext: own ? name : undefined }));
    context.out.write(`${name}\n`);
    context.err.write(`Current context is now ${JSON.stringify(name)}\n`);
    const variable = hostVariable(context.env);
    if (own && variable !== undefined) {
      context.err.write(
        `Warning: ${variable} environment variable overrides the active context. To use ${JSON.stringify(name)}, either set the global --context flag, or unset ${variable} environment variable.\n`,
      );
    }
  },
});

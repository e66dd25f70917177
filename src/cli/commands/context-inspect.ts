import { atLeast, command } from "../command.ts";
import { wholeContext } from "../config/context-endpoint.ts";
import { DEFAULT_CONTEXT } from "../config/context-name.ts";
import { ContextStore } from "../config/context-store.ts";
import { goJson } from "../format/json.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { inspectEach } from "../inspecting.ts";

export default command({
  usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  args: atLeast(0),
  completes: ["context"],
  flags: { format: inspectFormatFlag },
  async run(context, names, { format }) {
    const store = new ContextStore(context.configDir);
    const wanted = names.length > 0 ? names : [context.contextName()];
    return inspectEach(context, wanted, format, async (name) => {
      const { meta, tls } = await wholeContext(context, name);
      const nowhere = name === DEFAULT_CONTEXT ? "<IN MEMORY>" : undefined;
      return goJson({
        ...meta,
        ...(nowhere && { Metadata: {} }),
        TLSMaterial: Object.fromEntries(Object.entries(tls).map(([endpoint, files]) => [endpoint, Object.keys(files)])),
        Storage: { MetadataPath: nowhere ?? store.metaFolder(name), TLSPath: nowhere ?? store.tlsFolder(name) },
      });
    });
  },
});

import { command, exactly } from "../command.ts";
import { DOCKER_KEYS, dockerFlag, endpointOf } from "../config/context-endpoint.ts";
import { checkName, ContextStore } from "../config/context-store.ts";
import { text } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTEXT",
  about: `Update a context\n\n${DOCKER_KEYS}`,
  args: exactly(1),
  completes: ["context"],
  flags: { description: text("Description of the context"), docker: dockerFlag },
  async run(context, [name = ""], { description, docker }) {
    checkName(name);
    const store = new ContextStore(context.configDir);
    const meta = store.get(name);
    if (description) meta.Metadata.Description = description;
    const changed = docker && (await endpointOf(context, docker));
    if (changed) Object.assign(meta.Endpoints, changed.Endpoints);
    store.save(meta, changed?.tls);
    context.out.write(`${name}\n`);
    context.err.write(`Successfully updated context ${JSON.stringify(name)}\n`);
  },
});

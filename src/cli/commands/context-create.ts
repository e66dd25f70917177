import { command, exactly } from "../command.ts";
import { DOCKER_KEYS, dockerFlag, endpointOf, wholeContext } from "../config/context-endpoint.ts";
import { checkName, ContextStore } from "../config/context-store.ts";
import { text } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTEXT",
  about: `Create a context\n\n${DOCKER_KEYS}`,
  examples: [
    "gantry context create far --docker host=ssh://me@far.example",
    "gantry context create tls --docker host=tcp://far:2376,ca=~/ca.pem,cert=~/cert.pem,key=~/key.pem",
  ],
  args: exactly(1),
  completes: [[]],
  flags: {
    description: text("Description of the context"),
    docker: dockerFlag,
    from: text("create context from a named context", undefined, { completes: "context" }),
  },
  async run(context, [name = ""], { description, docker, from }) {
    checkName(name);
    const store = new ContextStore(context.configDir);
    if (store.has(name)) throw new Error(`context ${JSON.stringify(name)} already exists`);
    const source =
      docker === undefined || from !== undefined
        ? await wholeContext(context, from ?? context.contextName())
        : undefined;
    const { Endpoints, tls } =
      docker === undefined
        ? { Endpoints: source!.meta.Endpoints, tls: source!.tls }
        : await endpointOf(context, docker);
    const Metadata = { ...source?.meta.Metadata, ...(description && { Description: description }) };
    store.save({ Name: name, Metadata, Endpoints }, tls);
    context.out.write(`${name}\n`);
    context.err.write(`Successfully created context ${JSON.stringify(name)}\n`);
  },
});

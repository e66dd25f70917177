import { command, noArgs } from "../command.ts";
import { wholeContext } from "../config/context-endpoint.ts";
import { DEFAULT_CONTEXT } from "../config/context-name.ts";
import { type ContextMeta, ContextStore } from "../config/context-store.ts";
import { hostVariable } from "../config/context-name.ts";
import { flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { parseFormat, printListing, type Row } from "../format/listing.ts";
import { ellipsis, naturally } from "../format/words.ts";
import { messageOf } from "../../base/errors.ts";

const headings = { Name: "NAME", Description: "DESCRIPTION", DockerEndpoint: "DOCKER ENDPOINT", Error: "ERROR" };

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { format: formatFlag, quiet: flag("Only show context names", "q") },
  async run(context, _args, { format: wanted, quiet }) {
    const current = context.contextName();
    const format = parseFormat(wanted);
    const table = format.kind === "table";
    const row = ({ Name, Metadata, Endpoints }: ContextMeta, error = ""): Row => ({
      fields: {
        Current: Name === current,
        Description: Metadata.Description ?? "",
        DockerEndpoint: Endpoints.docker?.Host ?? "",
        Error: table ? ellipsis(error, 45) : error,
        Name: table && Name === current ? `${Name} *` : Name,
      },
    });
    const store = new ContextStore(context.configDir);
    const standard = (await wholeContext(context, DEFAULT_CONTEXT)).meta;
    const metas = [standard, ...store.list()];
    const rows = metas.map((meta) => ({ name: meta.Name, row: row(meta) }));
    if (!rows.some(({ name }) => name === current)) {
      rows.push({ name: current, row: row({ Name: current, Metadata: {}, Endpoints: {} }, complaint(store, current)) });
    }
    rows.sort((a, b) => naturally(a.name, b.name));
    if (quiet) {
      for (const { name } of rows) context.out.write(`${name}\n`);
      return;
    }
    await printListing(
      context.out,
      {
        typeName: "*formatter.clientContextContext",
        headings,
        columns: Object.keys(headings),
        rows: rows.map(({ row }) => row),
      },
      format,
    );
    const variable = hostVariable(context.env);
    if (variable !== undefined) {
      context.err.write(
        `Warning: ${variable} environment variable overrides the active context. To use a context, either set the global --context flag, or unset ${variable} environment variable.\n`,
      );
    }
  },
});

function complaint(store: ContextStore, name: string): string {
  try {
    store.get(name);
    return "";
  } catch (error) {
    return messageOf(error);
  }
}

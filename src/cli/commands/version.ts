import type { SystemVersion } from "../../wire/types/system.ts";
import { CLIENT_API } from "../../client/transport.ts";
import { command, noArgs } from "../command.ts";
import { inspectFormatFlag } from "../format/list-flags.ts";
import { describe } from "../errors.ts";
import { goJson } from "../format/json.ts";
import { attempt } from "../format/listing.ts";
import { VERSION } from "../version.ts";

export default command({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: { format: inspectFormatFlag },
  async run(context, _args, { format }) {
    const engine = await context.engine();
    let failure: unknown;
    let server: SystemVersion | undefined;
    let api = CLIENT_API;
    try {
      api = await engine.transport.apiVersion();
      server = await engine.system.version();
      for (const part of server.Components ?? []) part.Details &&= sorted(part.Details);
    } catch (error) {
      failure = error;
    }
    const client = {
      Version: VERSION,
      ApiVersion: api,
      DefaultAPIVersion: CLIENT_API,
      NodeVersion: process.version,
      Os: process.platform,
      Arch: process.arch === "x64" ? "amd64" : process.arch,
      Context: context.contextName(),
    };
    if (format === "json") context.out.write(`${goJson({ Client: client, Server: server ?? null })}\n`);
    else if (format) {
      const { compileTemplate } = await import("../../base/go-template/index.ts");
      const render = attempt(() => compileTemplate(format), "template parsing error");
      context.out.write(`${render({ Client: goNames(client), Server: server ? goNames(server) : null })}\n`);
    } else context.out.write(clientText(client) + (server === undefined ? "" : serverText(server)));
    if (failure === undefined) return 0;
    context.err.write(`${describe(failure)}\n`);
    return 1;
  },
});

/** As Go writes a map. */
const sorted = (details: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** In templates Docker's own field name counts: APIVersion, where JSON has ApiVersion. */
const goNames = <T extends { ApiVersion?: string }>(version: T): T =>
  Object.defineProperty({ ...version }, "APIVersion", { value: version.ApiVersion, enumerable: false });

const line = (depth: number, name: string, value: string): string =>
  `${`${" ".repeat(depth)}${name}:`.padEnd(20)}${value}\n`;

function clientText(client: Record<string, string>): string {
  const api =
    client["ApiVersion"] === client["DefaultAPIVersion"] ? "" : ` (downgraded from ${client["DefaultAPIVersion"]})`;
  return (
    "Client:\n" +
    line(1, "Version", client["Version"]!) +
    line(1, "API version", client["ApiVersion"] + api) +
    line(1, "Node version", client["NodeVersion"]!) +
    line(1, "OS/Arch", `${client["Os"]}/${client["Arch"]}`) +
    line(1, "Context", client["Context"]!)
  );
}

function serverText(server: SystemVersion): string {
  let text = `\nServer:${server.Platform?.Name ? ` ${server.Platform.Name}` : ""}\n`;
  for (const { Name, Version, Details } of server.Components ?? []) {
    text += ` ${Name}:\n${line(2, "Version", Version)}`;
    if (Name === "Engine") text += engineText(Details ?? {});
    else {
      for (const key of Object.keys(Details ?? {}).toSorted()) text += line(2, key, Details![key]!);
    }
  }
  return text;
}

function engineText(details: Record<string, string>): string {
  const built = details["BuildTime"] ?? "";
  const rows: [string, string][] = [
    ["API version", `${details["ApiVersion"]} (minimum version ${details["MinAPIVersion"]})`],
    ["Go version", details["GoVersion"] ?? ""],
    ["Git commit", details["GitCommit"] ?? ""],
    ["Built", goDate(built)],
    ["OS/Arch", `${details["Os"]}/${details["Arch"]}`],
    ["Experimental", details["Experimental"] ?? "false"],
  ];
  // Not every engine is written in Go.
  return rows.map(([name, value]) => (value === "" ? "" : line(2, name, value))).join("");
}

/** RFC 3339 becomes "Thu May  7 21:09:36 2026". */
function goDate(text: string): string {
  const date = new Date(text);
  if (!/^\d{4}-/.test(text) || Number.isNaN(date.getTime())) return text;
  const [weekday, day, month, year, time] = date.toUTCString().replace(",", "").split(" ") as [
    string,
    string,
    string,
    string,
    string,
  ];
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

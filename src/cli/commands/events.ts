import type { EventMessage } from "../../wire/types/system.ts";
import { command, noArgs } from "../command.ts";
import { filter, text } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { goJson } from "../format/json.ts";
import { rfc3339 } from "../format/time.ts";
import { apiTime } from "../moments.ts";

export default command({
  usage: "[OPTIONS]",
  examples: ["gantry events --filter type=container --filter event=die --format '{{.Actor.Attributes.name}}'"],
  args: noArgs,
  flags: {
    filter: filter("Filter output based on conditions provided", "f", [
      "config",
      "container",
      "daemon",
      "event",
      "image",
      "label",
      "network",
      "node",
      "plugin",
      "scope",
      "secret",
      "service",
      "type",
      "volume",
    ]),
    format: formatFlag,
    since: text("Show all events created since timestamp"),
    until: text("Stream events until this timestamp"),
  },
  async run(context, _args, { filter, format, since, until }) {
    const { transport } = await context.engine();
    const now = Date.now();
    const { filtersText } = await import("../../client/query.ts");
    const show = await renderer(format);
    const query = {
      since: since && apiTime(since, now),
      until: until && apiTime(until, now),
      filters: filtersText(filter),
    };
    for await (const line of transport.textLines("GET", "/events", { query })) context.out.write(`${show(line)}\n`);
  },
});

/** Lines stay text as long as they can: timeNano does not fit a double. */
async function renderer(format: string | undefined): Promise<(line: string) => string> {
  if (format === undefined || format === "") return describe;
  // The engine's own keys.
  if (format === "json" || /^\{\{ *json \. *\}\}$/.test(format)) return sorted;
  const { compileTemplate } = await import("../../base/go-template/index.ts");
  const { attempt } = await import("../format/listing.ts");
  const render = attempt(() => compileTemplate(format, { typeName: "*events.Message" }), "template parsing error");
  return (line) => {
    const event = JSON.parse(line) as EventMessage;
    return attempt(
      () =>
        render({
          Status: event.status ?? "",
          ID: event.id ?? "",
          From: event.from ?? "",
          Type: event.Type,
          Action: event.Action,
          Actor: event.Actor,
          Scope: event.scope,
          Time: event.time,
          TimeNano: BigInt(nanosOf(line)),
        }),
      "failed to execute template",
    );
  };
}

/** Attributes in the order of Go's maps; the digits of timeNano stay. */
function sorted(line: string): string {
  const event = JSON.parse(line) as EventMessage;
  const { Attributes } = event.Actor;
  event.Actor.Attributes =
    Attributes && Object.fromEntries(Object.entries(Attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return goJson(event).replace(/("timeNano":)\d+/, `$1${nanosOf(line)}`);
}

const nanosOf = (line: string): string => /"timeNano":\s*(\d+)/.exec(line)?.[1] ?? "0";

function describe(line: string): string {
  const { Type, Action, Actor, time } = JSON.parse(line) as EventMessage;
  const nanos = nanosOf(line);
  const moment = nanos === "0" ? rfc3339(time * 1000) : rfc3339(Number(nanos.slice(0, -9)) * 1000, nanos.slice(-9));
  const attributes = Object.entries(Actor.Attributes ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  return `${moment} ${Type} ${Action} ${Actor.ID}${attributes.length > 0 ? ` (${attributes.join(", ")})` : ""}`;
}

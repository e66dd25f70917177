import { messageOf } from "../../base/errors.ts";
import { atLeast, command, type Context } from "../command.ts";
import { describe } from "../errors.ts";
import { flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { type Format, parseFormat, printListing, type Row } from "../format/listing.ts";
import { statsHeadings, statsRow } from "../format/stats-row.ts";
import type { ContainerStats } from "../../wire/types/containers.ts";
import type { Output } from "../terminal/output.ts";

const columns = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"];

export default command({
  usage: "[OPTIONS] [CONTAINER...]",
  args: atLeast(0),
  completes: ["running container"],
  flags: {
    all: flag("Show all containers (default shows just running)", "a"),
    format: formatFlag,
    "no-stream": flag("Disable streaming stats and only pull the first result"),
    "no-trunc": flag("Do not truncate output"),
  },
  async run(context, names, { all, format: wanted, "no-stream": once, "no-trunc": whole }) {
    const format = parseFormat(wanted || context.config().statsFormat);
    if (!once) return follow(context, names, { all, whole, format });
    const rows = await sample(context, names, { all, whole });
    if (rows === undefined) return 1;
    await print(context.out, rows, format);
    return 0;
  },
});

const print = (out: Output, rows: Row[], format: Format): Promise<void> =>
  printListing(out, { typeName: "*container.statsContext", headings: statsHeadings, columns, rows }, format);

/** Draws over what stood there, then clears what is left below. */
async function redraw(out: Output, rows: Row[], format: Format): Promise<void> {
  let text = "";
  await print({ isTTY: false, write: (data) => void (text += String(data)) }, rows, format);
  out.write(`\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J`);
}

/** A container may end between the list and the reading. */
const isGone = (error: unknown): boolean => /no such container/i.test(messageOf(error));

/** One reading of each, taken at the same time. undefined: one was not found, and that has been said. */
async function sample(
  context: Context,
  names: string[],
  options: { all: boolean; whole: boolean },
): Promise<Row[] | undefined> {
  const { containers } = await context.engine();
  const wanted = names.length > 0 ? names : (await containers.list({ all: options.all })).map(({ Id }) => Id);
  const results = await Promise.allSettled(wanted.map((name) => containers.stats(name)));
  const rows: Row[] = [];
  for (const [index, result] of results.entries()) {
    if (result.status === "fulfilled") rows.push(statsRow(wanted[index]!, result.value, options.whole));
    else if (names.length > 0 || !isGone(result.reason)) {
      context.err.write(`${describe(result.reason)}\n`);
      return undefined;
    }
  }
  return rows;
}

/** Milliseconds between two pictures. */
const REFRESH = 500;

/** Draws what the engine tells of each container, until it is interrupted or all that were named are removed. */
async function follow(
  context: Context,
  names: string[],
  { all, whole, format }: { all: boolean; whole: boolean; format: Format },
): Promise<void> {
  const { containers } = await context.engine();
  const heard = new Map<string, ContainerStats | undefined>();
  const leave = new Map<string, AbortController>();
  let failure: unknown;
  const listen = async (name: string): Promise<void> => {
    const left = new AbortController();
    leave.set(name, left);
    heard.set(name, undefined);
    try {
      for await (const stats of containers.streamStats(name, left.signal)) heard.set(name, stats);
    } catch (error) {
      if (!left.signal.aborted && (names.length > 0 || !isGone(error))) failure ??= error;
    }
    heard.delete(name);
    leave.delete(name);
  };
  for (const name of names) void listen(name);
  for (;;) {
    if (names.length === 0) {
      const ids = (await containers.list({ all })).map(({ Id }) => Id);
      for (const id of ids) if (!leave.has(id)) void listen(id);
      for (const [id, left] of leave) if (!ids.includes(id)) left.abort();
    }
    await new Promise((resolve) => void setTimeout(resolve, REFRESH));
    if (failure !== undefined) throw failure;
    if (names.length > 0 && heard.size === 0) return;
    const rows = [...heard].map(([name, stats]) => statsRow(name, stats, whole));
    await redraw(context.out, rows, format);
  }
}

import { messageOf } from "../../base/errors.ts";
import { atLeast, command, type Context } from "../command.ts";
import { describe } from "../errors.ts";
import { flag } from "../flags.ts";
import { formatFlag } from "../format/list-flags.ts";
import { type Format, parseFormat, printListing, type Row } from "../format/listing.ts";
import { statsHeadings, statsRow } from "../format/stats-row.ts";
import type { Output } from "../terminal/output.ts";

const columns = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"];

export default command({
  usage: "[OPTIONS] [CONTAINER...]",
  args: atLeast(0),
  flags: {
    all: flag("Show all containers (default shows just running)", "a"),
    format: formatFlag,
    "no-stream": flag("Disable streaming stats and only pull the first result"),
    "no-trunc": flag("Do not truncate output"),
  },
  async run(context, names, { all, format: wanted, "no-stream": once, "no-trunc": whole }) {
    const format = parseFormat(wanted);
    for (let first = true; ; first = false) {
      const rows = await sample(context, names, { all, whole, strict: first && names.length > 0 });
      if (rows === undefined) return 1;
      if (once) {
        await print(context.out, rows, format);
        return 0;
      }
      if (names.length > 0 && rows.every((row) => row.fields["PIDs"] === "--")) return 0;
      await redraw(context.out, rows, format);
    }
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
  options: { all: boolean; whole: boolean; strict: boolean },
): Promise<Row[] | undefined> {
  const { containers } = await context.engine();
  const wanted = names.length > 0 ? names : (await containers.list({ all: options.all })).map(({ Id }) => Id);
  const results = await Promise.allSettled(wanted.map((name) => containers.stats(name)));
  const rows: Row[] = [];
  for (const [index, result] of results.entries()) {
    if (result.status === "fulfilled") rows.push(statsRow(wanted[index]!, result.value, options.whole));
    else if (options.strict || !isGone(result.reason)) {
      context.err.write(`${describe(result.reason)}\n`);
      return undefined;
    }
  }
  return rows;
}

import { humanSize } from "../../base/units.ts";
import { between, command } from "../command.ts";
import { CopyProgress } from "../copying/progress.ts";
import { Exit } from "../exit.ts";
import { openInput } from "../files.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] VOLUME [FILE|-]",
  about:
    "Fill a volume from a tar archive, plain or compressed (gzip, zstd, bzip2, xz), all or nothing.\n" +
    "A volume that does not exist is created; one that has contents needs --replace or --merge.",
  args: between(1, 2),
  completes: ["volume", "file"],
  examples: ["gantry volume import data data.tar.zst", "ssh box gantry volume export data | gantry volume import data"],
  flags: {
    merge: flag("Add to what is in the volume"),
    replace: flag("Put the archive in the place of what is in the volume"),
  },
  async run(context, [name = "", file = "-"], { merge, replace }) {
    if (merge && replace) throw new Error("conflicting options: --merge and --replace");
    if (file === "-" && process.stdin.isTTY) throw new Exit(1, "requested import from stdin, but stdin is empty");
    const input = await openInput(context, file);
    const { volumes } = await context.engine();
    const progress = new CopyProgress(context.err.isTTY ? context.err : undefined, "Sent");
    try {
      const how = replace ? "replace" : merge ? "merge" : undefined;
      const { Bytes, Entries } = await volumes.import(name, progress.counting(input), { ...(how && { how }) });
      progress.end();
      context.out.write(`${name}: ${Entries} ${Entries === 1 ? "entry" : "entries"}, ${humanSize(Bytes)}\n`);
    } finally {
      progress.end();
    }
  },
});

import { command, exactly } from "../command.ts";
import { CopyProgress } from "../copying/progress.ts";
import { saveStream } from "../files.ts";
import { flag, text } from "../flags.ts";
import { warnOfWriters } from "../volume-writers.ts";

const COMPRESSIONS = ["gzip", "none", "zstd"] as const;
type Compression = (typeof COMPRESSIONS)[number];

export default command({
  usage: "[OPTIONS] VOLUME",
  about:
    "Export a volume's contents as a tar archive (streamed to STDOUT by default), with owners, modes,\n" +
    "extended attributes, hard links, devices and holes.",
  args: exactly(1),
  completes: ["volume"],
  examples: ["gantry volume export -o data.tar.zst data"],
  flags: {
    compress: text('Compression ("zstd", "gzip", "none"); by default what the name of the file says', undefined, {
      completes: COMPRESSIONS,
    }),
    output: text("Write to a file, instead of STDOUT", "o", { completes: "file" }),
    pause: flag("Pause the containers that use the volume meanwhile"),
  },
  async run(context, [name = ""], { compress, output, pause }) {
    const { volumes } = await context.engine();
    const file = output === "-" ? undefined : output;
    const compression = compress === undefined ? compressionOf(file ?? "") : requireCompression(compress);
    const progress = new CopyProgress(context.err.isTTY ? context.err : undefined, "Exported");
    let writers: string[] = [];
    try {
      await saveStream(context, file, "export volume", async () => {
        const exported = await volumes.export(name, { compress: compression, pause });
        writers = exported.writers;
        return progress.counting(exported.tar);
      });
    } finally {
      progress.end();
    }
    warnOfWriters(context, writers, "archive");
  },
});

function compressionOf(file: string): Compression {
  if (/\.(gz|tgz)$/.test(file)) return "gzip";
  return /\.(zst|tzst|zstd)$/.test(file) ? "zstd" : "none";
}

function requireCompression(text: string): Compression {
  const known = COMPRESSIONS.find((word) => word === text);
  if (known !== undefined) return known;
  throw new Error(`unknown compression ${JSON.stringify(text)}: there are ${COMPRESSIONS.join(", ")}`);
}

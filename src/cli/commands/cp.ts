import { humanSizeWithPrecision } from "../../base/units.ts";
import { command, exactly } from "../command.ts";
import { placeOf } from "../copying/plan.ts";
import { Exit } from "../exit.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tgantry cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  about:
    "Copy files/folders between a container and the local filesystem\n\n" +
    "'-' as the source reads a tar archive from stdin and unpacks it in a folder of the container;\n" +
    "'-' as the destination writes a tar archive of the container's source to stdout.",
  examples: ["gantry cp web:/etc/nginx/nginx.conf .", "gantry cp site/. web:/usr/share/nginx/html"],
  args: exactly(2),
  completes: ["container-file", "container-file"],
  flags: {
    archive: flag("Archive mode (copy all uid/gid information)", "a"),
    "follow-link": flag("Always follow symbol link in SRC_PATH", "L"),
    quiet: flag("Suppress progress output during copy", "q"),
  },
  async run(context, [from = "", to = ""], { archive, quiet, "follow-link": followLink }) {
    const [source, target] = [placeOf(from), placeOf(to)];
    if (source.container !== undefined && target.container !== undefined) {
      throw new Exit(1, "copying between containers is not supported");
    }
    const { containers } = await context.engine();
    const terminal = !quiet && context.err.isTTY ? context.err : undefined;
    const { CopyProgress } = await import("../copying/progress.ts");
    const progress = new CopyProgress(
      terminal,
      source.container === undefined ? "Copying to container" : "Copying from container",
    );
    const options = { archive, followLink, cwd: context.cwd, onBytes: (count: number) => progress.add(count) };
    try {
      if (source.container !== undefined) {
        if (target.path === "-") {
          if (context.out.isTTY) throw new Exit(1, "refusing to write a tar archive to a terminal: redirect it");
          const { tar } = await containers.copyFrom(source.container, source.path);
          for await (const chunk of tar) context.out.write(chunk);
          return;
        }
        const { copyFromContainer } = await import("../copying/from-container.ts");
        await copyFromContainer(containers, source.container, source.path, target.path, options);
      } else if (target.container !== undefined) {
        const { copyToContainer, pourIntoContainer } = await import("../copying/to-container.ts");
        if (source.path === "-") {
          await pourIntoContainer(containers, process.stdin, target.container, target.path, options);
          return;
        }
        await copyToContainer(containers, source.path, target.container, target.path, options);
      } else throw new Exit(1, "must specify at least one container source");
    } finally {
      progress.end();
    }
    terminal?.write(`Successfully copied ${humanSizeWithPrecision(progress.bytes, 3)} to ${to}\n`);
  },
});

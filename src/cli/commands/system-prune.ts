import { humanSize } from "../../base/units.ts";
import { command, noArgs } from "../command.ts";
import { confirm } from "../confirm.ts";
import { filter, flag } from "../flags.ts";
import { deletedLines } from "../format/deleted-images.ts";

export default command({
  usage: "[OPTIONS]",
  examples: ["gantry system prune --filter until=24h"],
  args: noArgs,
  flags: {
    all: flag("Remove all unused images not just dangling ones", "a"),
    filter: filter('Provide filter values (e.g. "label=<key>=<value>")', undefined, ["label", "label!", "until"]),
    force: flag("Do not prompt for confirmation", "f"),
    volumes: flag("Prune anonymous volumes"),
  },
  async run(context, _args, { all, filter, force, volumes }) {
    const items = [
      "all stopped containers",
      "all networks not used by at least one container",
      ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
      all ? "all images without at least one container associated to them" : "all dangling images",
      all ? "all build cache" : "unused build cache",
    ];
    if (!force) await confirm(context, `WARNING! This will remove:\n${items.map((item) => `  - ${item}\n`).join("")}`);
    const engine = await context.engine();
    const { until: _until, ...withoutUntil } = filter;
    let freed = 0;
    const section = (title: string, names: string[] | null): void => {
      if (names?.length) context.out.write(`${title}:\n${names.join("\n")}\n\n`);
    };
    const containers = await engine.containers.prune(filter);
    freed += containers.SpaceReclaimed;
    section("Deleted Containers", containers.ContainersDeleted);
    section("Deleted Networks", (await engine.networks.prune(filter)).NetworksDeleted);
    if (volumes) {
      const gone = await engine.volumes.prune(withoutUntil);
      freed += gone.SpaceReclaimed;
      section("Deleted Volumes", gone.VolumesDeleted);
    }
    const images = await engine.images.prune({ ...filter, dangling: [String(!all)] });
    freed += images.SpaceReclaimed;
    if (images.ImagesDeleted?.length) context.out.write(`Deleted Images:\n${deletedLines(images.ImagesDeleted)}\n`);
    const cache = await engine.images.pruneBuildCache({ all, filters: filter });
    freed += cache.SpaceReclaimed;
    section("Deleted build cache objects", cache.CachesDeleted);
    context.out.write(`Total reclaimed space: ${humanSize(freed)}\n`);
  },
});

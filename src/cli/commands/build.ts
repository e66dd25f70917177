import { checkBuild } from "../building/check.ts";
import { CommandBuild } from "../building/command-build.ts";
import { prepare } from "../building/contexts.ts";
import { buildFlags } from "../building/flags.ts";
import { buildQuery } from "../building/query.ts";
import { watchBuild } from "../building/watch.ts";
import { command, exactly } from "../command.ts";

export default command({
  usage: "[OPTIONS] PATH | URL | -",
  examples: [
    "gantry build -t shop:1 .",
    "gantry build -f docker/Dockerfile --build-arg VERSION=2 --target test .",
    "gantry build --check .",
    "gantry build --watch -t shop:dev .",
    "tar c . | gantry build -",
  ],
  args: exactly(1),
  completes: ["folder"],
  flags: buildFlags,
  async run(context, [path = ""], options) {
    const prepared = await prepare(context, path, options.file);
    const { host } = await context.target();
    const query = buildQuery(context, host, options, prepared?.dockerfile ?? options.file);
    if (prepared === undefined) query.remote = path;
    if (options.check) {
      const { images } = await context.engine();
      return checkBuild(context, images, prepared, query, options.format);
    }
    if (options.watch) {
      return watchBuild(context, prepared, path, options, (folder, round, signal) => {
        const again = buildQuery(context, host, options, folder.dockerfile);
        return new CommandBuild(context, { ...again, why: options.why || round > 1 }, options).run(folder, signal);
      });
    }
    await new CommandBuild(context, query, options).run(prepared);
  },
});

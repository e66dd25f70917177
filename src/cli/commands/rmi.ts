import { atLeast, command } from "../command.ts";
import { words } from "../errors.ts";
import { platformJson } from "../platforms.ts";
import { commaList, flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: ["image"],
  flags: {
    force: flag("Force removal of the image", "f"),
    "no-prune": flag("Do not delete untagged parents"),
    platform: commaList(
      'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
  },
  async run(context, names, { force, "no-prune": noprune, platform }) {
    const { images } = await context.engine();
    const platforms = platform.map((text) => platformJson(text)!);
    const failures: string[] = [];
    let fatal = false;
    for (const name of names) {
      try {
        for (const { Deleted, Untagged } of await images.remove(name, { force, noprune, platforms })) {
          context.out.write(Deleted !== undefined ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`);
        }
      } catch (error) {
        if ((error as { kind?: string }).kind !== "notFound") fatal = true;
        failures.push(words(error));
        const { hint } = error as { hint?: string };
        if (hint !== undefined) failures.push(`hint: ${hint}`);
      }
    }
    if (failures.length > 0) context.err.write(`${failures.join("\n")}\n`);
    // With --force a missing image is no failure.
    return failures.length > 0 && (fatal || !force) ? 1 : 0;
  },
});

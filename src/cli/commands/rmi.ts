import { atLeast, command } from "../command.ts";
import { words } from "../errors.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: atLeast(1),
  completes: ["image"],
  flags: { force: flag("Force removal of the image", "f"), "no-prune": flag("Do not delete untagged parents") },
  async run(context, names, { force, "no-prune": noprune }) {
    const { images } = await context.engine();
    const failures: string[] = [];
    let fatal = false;
    for (const name of names) {
      try {
        for (const { Deleted, Untagged } of await images.remove(name, { force, noprune })) {
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

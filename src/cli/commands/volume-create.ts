import { between, command } from "../command.ts";
import { list, map, text, textOr } from "../flags.ts";
import { pairOf } from "../run-options/key-values.ts";

export default command({
  usage: "[OPTIONS] [VOLUME]",
  examples: ["gantry volume create --label keep=yes data"],
  args: between(0, 1),
  flags: {
    driver: textOr("local", "Specify volume driver name", "d"),
    label: list("Set metadata for a volume"),
    name: text("Specify volume name", undefined, { hidden: true }),
    opt: map("Set driver specific options", "o"),
  },
  async run(context, [given], { driver, label, name, opt }) {
    if (given !== undefined && name !== undefined) {
      throw new Error("conflicting options: cannot specify a volume-name through both --name and as a positional arg");
    }
    const { volumes } = await context.engine();
    const volume = await volumes.create({
      Name: given ?? name ?? "",
      Driver: driver,
      DriverOpts: opt,
      Labels: Object.fromEntries(label.map(pairOf)),
    });
    context.out.write(`${volume.Name}\n`);
  },
});

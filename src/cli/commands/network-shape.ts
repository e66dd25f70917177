import { GantryError, messageOf } from "../../base/errors.ts";
import { parseRate, parseShare, shapeWords } from "../../base/traffic-shape.ts";
import { formatDuration, parseDuration } from "../../base/units.ts";
import type { NetworkShape } from "../../wire/types/networks.ts";
import { command, exactly, type Context } from "../command.ts";
import { Exit } from "../exit.ts";
import { flag, type Flag, text, value } from "../flags.ts";

/** In the words of flags: the reason alone. */
function reading(parse: (text: string) => number): (text: string) => number {
  return (given) => {
    try {
      return parse(given);
    } catch (error) {
      const hint = error instanceof GantryError ? error.hint : undefined;
      throw new Error(hint === undefined ? messageOf(error) : `${messageOf(error)}: ${hint}`, { cause: error });
    }
  };
}

const number = (word: string, parse: (text: string) => number, usage: string): Flag<number | undefined> =>
  value<number | undefined>(word, undefined, reading(parse), usage);
const duration = (usage: string): Flag<number | undefined> => number("duration", parseDuration, usage);
const share = (usage: string): Flag<number | undefined> => number("percent", parseShare, usage);

export default command({
  usage: "[OPTIONS] CONTAINER",
  about:
    "Make the network slow, narrow or lossy for a running container, in both directions, or show how it is\n\n" +
    "Each call replaces what was before. It ends with --clear, after --for, and when the container stops.",
  args: exactly(1),
  completes: ["running container"],
  flags: {
    network: text("Only on this network (default all that the container is on)", undefined, { completes: "network" }),
    delay: duration("Hold each packet back so long"),
    jitter: duration("Let the delay vary by so much"),
    loss: share("Lose so many packets"),
    duplicate: share("Send so many packets twice"),
    corrupt: share("Flip a bit in so many packets"),
    reorder: share("Send so many packets without the delay, before others"),
    rate: number("rate", parseRate, "Let through so many bits a second (512kbit, 10mbit, 1gbit)"),
    for: duration("End by itself after that time"),
    clear: flag("Make the network whole again"),
  },
  examples: [
    "gantry network shape --delay 200ms --jitter 20ms --loss 5% --for 60s db",
    "gantry network shape --rate 10mbit --network backend db",
    "gantry network shape db",
    "gantry network shape --clear db",
  ],
  async run(context, [name = ""], { network, clear, for: ending, ...shape }) {
    const { containers } = await context.engine();
    const given = Object.values(shape).some((one) => one !== undefined);
    if (clear) {
      if (given || ending !== undefined) throw new Exit(1, "--clear goes with --network alone");
      await containers.clearShape(name, network);
      return;
    }
    if (!given) {
      if (ending !== undefined) throw new Exit(1, "--for needs something that is to end: a delay, a loss or a rate");
      show(context, (await containers.shapes(name, network)).Shapes);
      return;
    }
    const request = {
      Delay: shape.delay,
      Jitter: shape.jitter,
      Loss: shape.loss,
      Duplicate: shape.duplicate,
      Corrupt: shape.corrupt,
      Reorder: shape.reorder,
      Rate: shape.rate,
      Duration: ending,
    };
    show(context, (await containers.shape(name, request, network)).Shapes);
  },
});

function show({ out }: Context, shapes: Record<string, NetworkShape>): void {
  for (const [network, { Until, ...shape }] of Object.entries(shapes)) {
    const left = Until === undefined ? "" : ` for ${formatDuration(Math.max(0, Date.parse(Until) - Date.now()) * 1e6)}`;
    const words = shapeWords({
      delay: shape.Delay,
      jitter: shape.Jitter,
      loss: shape.Loss,
      duplicate: shape.Duplicate,
      corrupt: shape.Corrupt,
      reorder: shape.Reorder,
      rate: shape.Rate,
    });
    out.write(`${network}: ${words}${left}\n`);
  }
}

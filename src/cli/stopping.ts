import type { Containers } from "../client/containers.ts";
import { atLeast, command } from "./command.ts";
import { forEachName } from "./each.ts";
import { integer, text } from "./flags.ts";
import { SIGNALS } from "./run-options/known-words.ts";

/** A stop that takes longer, in milliseconds, may have ended by force. */
const NOTABLE = 1000;

/** `stop` and `restart`: the same words, another verb. */
export const stoppingCommand = (verb: "stop" | "restart") =>
  command({
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    args: atLeast(1),
    completes: [verb === "stop" ? "running container" : "container"],
    flags: {
      signal: text("Signal to send to the container", "s", { completes: SIGNALS }),
      timeout: integer("Seconds to wait before killing the container", "t"),
      time: integer("Seconds to wait before killing the container", undefined, { hidden: true }),
    },
    async run(context, names, { signal, timeout, time }) {
      const { containers } = await context.engine();
      const options: Parameters<Containers["stop"]>[1] = { signal, timeout: timeout ?? time };
      return forEachName(
        context,
        names,
        async (name) => {
          const began = performance.now();
          const told = await containers[verb](name, options);
          if (performance.now() - began <= NOTABLE) return;
          const reason = verb === "stop" ? await reasonOf(containers, name) : told;
          if (reason) context.err.write(`hint: ${name}: ${reason}\n`);
        },
        { parallel: true },
      );
    },
  });

/** Why it took so long, if the engine knows. With --rm there is nobody left to ask. */
const reasonOf = (containers: Containers, name: string): Promise<string | undefined> =>
  containers.inspect(name).then(
    ({ State }) => State.ExitReason,
    () => undefined,
  );

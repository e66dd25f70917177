import type { Containers } from "../client/containers.ts";
import { atLeast, command } from "./command.ts";
import { forEachName } from "./each.ts";
import { integer, text } from "./flags.ts";

/** `stop` and `restart`: the same words, another verb. */
export const stoppingCommand = (verb: "stop" | "restart") =>
  command({
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    args: atLeast(1),
    flags: {
      signal: text("Signal to send to the container", "s"),
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
          await containers[verb](name, options);
        },
        { parallel: true },
      );
    },
  });

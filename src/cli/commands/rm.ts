import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";
import { Exit } from "../exit.ts";
import { flag } from "../flags.ts";

export default command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["container"],
  flags: {
    force: flag("Force the removal of a running container (uses SIGKILL)", "f"),
    link: flag("Remove the specified link", "l"),
    volumes: flag("Remove anonymous volumes associated with the container", "v"),
  },
  async run(context, names, { force, link, volumes }) {
    const { containers } = await context.engine();
    return forEachName(
      context,
      names,
      async (given) => {
        const name = given.replace(/^\/+/, "");
        if (name === "") throw new Exit(1, "Container name cannot be empty");
        try {
          await containers.remove(name, { force, volumes, link });
        } catch (error) {
          // `rm -f` of what is not there is done already, as docker says it on stderr and with 0.
          if (!force || (error as { kind?: string }).kind !== "notFound") throw error;
          context.err.write(`Error response from daemon: ${(error as Error).message}\n`);
          return null;
        }
        return given;
      },
      { parallel: true },
    );
  },
});

import { familiarRepository, parseReference, withDefaultTag } from "../../base/reference.ts";
import { command, exactly } from "../command.ts";
import { credentialsFor } from "../credentials.ts";
import { flag, flagOn } from "../flags.ts";
import { showProgress } from "../progress.ts";

export default command({
  usage: "[OPTIONS] NAME[:TAG]",
  args: exactly(1),
  completes: ["image"],
  flags: {
    "all-tags": flag("Push all tags of an image to the repository", "a"),
    "disable-content-trust": flagOn("Skip image signing"),
    quiet: flag("Suppress verbose output", "q"),
  },
  async run(context, [name = ""], { quiet, "all-tags": allTags }) {
    const given = parseReference(name);
    if (allTags && (given.tag !== undefined || given.digest !== undefined)) {
      throw new Error("tag can't be used with --all-tags/-a");
    }
    const reference = allTags ? given : withDefaultTag(given);
    if (!allTags && given.tag === undefined && given.digest === undefined && !quiet) {
      context.out.write(`Using default tag: ${reference.tag}\n`);
    }
    const { images } = await context.engine();
    const auth = credentialsFor(context, reference.registry);
    const lines = images.push(familiarRepository(reference), reference.digest ?? reference.tag ?? "", { auth });
    await showProgress(lines, quiet ? { isTTY: false, write: () => {} } : context.out);
    if (quiet) context.out.write(`${given.registry}/${given.repository}${reference.tag ? `:${reference.tag}` : ""}\n`);
  },
});

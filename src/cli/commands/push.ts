import { familiarRepository, parseReference, withDefaultTag } from "../../base/reference.ts";
import { command, exactly } from "../command.ts";
import { credentialsFor } from "../credentials.ts";
import { flag, flagOn, text } from "../flags.ts";
import { platformJson } from "../platforms.ts";
import { showProgress } from "../progress/show.ts";

export default command({
  usage: "[OPTIONS] NAME[:TAG]",
  examples: ["gantry push registry.example:5000/shop:1"],
  args: exactly(1),
  completes: ["image"],
  flags: {
    "all-tags": flag("Push all tags of an image to the repository", "a"),
    "disable-content-trust": flagOn("Skip image signing"),
    platform: text(
      "Push a platform-specific manifest as a single-platform image to the registry.\nImage index won't be pushed, meaning " +
        "that other manifests, including attestations won't be preserved.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
    ),
    quiet: flag("Suppress verbose output", "q"),
  },
  async run(context, [name = ""], { platform, quiet, "all-tags": allTags }) {
    const given = parseReference(name);
    if (allTags && (given.tag !== undefined || given.digest !== undefined)) {
      throw new Error("tag can't be used with --all-tags/-a");
    }
    const reference = allTags ? given : withDefaultTag(given);
    if (!allTags && given.tag === undefined && given.digest === undefined && !quiet) {
      context.out.write(`Using default tag: ${reference.tag}\n`);
    }
    const { images } = await context.engine();
    const auth = await credentialsFor(context, reference.registry);
    const lines = images.push(familiarRepository(reference), reference.digest ?? reference.tag ?? "", {
      auth,
      platform: platformJson(platform),
    });
    await showProgress(context, lines, quiet ? { isTTY: false, write: () => {} } : context.out);
    if (quiet) context.out.write(`${given.registry}/${given.repository}${reference.tag ? `:${reference.tag}` : ""}\n`);
  },
});

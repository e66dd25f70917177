import { familiarName, familiarRepository, normalizedName, parseReference, withDefaultTag } from "../base/reference.ts";
import type { Gantry } from "../client/gantry.ts";
import type { Context } from "./command.ts";
import { credentialsFor } from "./credentials.ts";
import { showProgress } from "./progress/show.ts";
import type { Output } from "./terminal/output.ts";

/** Pulls one image (or all tags of a repository) and gives its whole name. Progress goes to `out`. */
export async function pullImage(
  context: Context,
  engine: Gantry,
  name: string,
  options: { platform?: string; quiet: boolean; out: Output; allTags?: boolean; announce?: boolean },
): Promise<string> {
  const given = parseReference(name);
  const allTags = options.allTags === true;
  if (allTags && (given.tag !== undefined || given.digest !== undefined)) {
    throw new Error("tag can't be used with --all-tags/-a");
  }
  const reference = allTags ? given : withDefaultTag(given);
  if (options.announce && !allTags && given.tag === undefined && given.digest === undefined && !options.quiet) {
    options.out.write(`Using default tag: ${reference.tag}\n`);
  }
  const auth = await credentialsFor(context, reference.registry);
  const lines = engine.images.pull(familiarRepository(reference), reference.digest ?? reference.tag ?? "", {
    platform: options.platform,
    ...(Object.keys(auth).length > 0 && { auth }),
  });
  const quiet: Output = { isTTY: false, write: () => {} };
  await showProgress(context, lines, options.quiet ? quiet : options.out);
  return allTags ? familiarName(reference) : normalizedName(reference);
}

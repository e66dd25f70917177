import { messageOf } from "../base/errors.ts";
import { familiarRepository, type ImageReference, parseReference } from "../base/reference.ts";

/** Throws Error "invalid reference format…" with the name, as docker does for a target name. */
export function splitName(name: string): { repository: string; tag: string; reference: ImageReference } {
  const reference = parseReference(name);
  return { repository: familiarRepository(reference), tag: reference.digest ?? reference.tag ?? "", reference };
}

/** For `tag`: the error names the argument. */
export function checkTarget(name: string): ImageReference {
  try {
    return parseReference(name);
  } catch (error) {
    throw new Error(
      `Error parsing reference: ${JSON.stringify(name)} is not a valid repository/tag: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

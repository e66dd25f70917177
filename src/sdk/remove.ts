import { GantryError } from "../base/errors.ts";

/** A removal at the end of a block: what is gone already is no error. */
export async function unlessGone(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof GantryError && error.kind === "notFound")) throw error;
  }
}

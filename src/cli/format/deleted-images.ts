import type { ImageDeleteItem } from "../../wire/types/images.ts";

/** The lines of a prune; docker writes them in lower case there. */
export const deletedLines = (items: ImageDeleteItem[]): string =>
  items
    .map(({ Deleted, Untagged }) => (Untagged !== undefined ? `untagged: ${Untagged}\n` : `deleted: ${Deleted}\n`))
    .join("");

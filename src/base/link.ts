import { GantryError } from "./errors.ts";

/** `name`, `name:alias`, and what inspect shows: `/name:/parent/alias`. Throws invalid BAD_LINK in Docker's words. */
export function parseLink(text: string): { name: string; alias: string } {
  const [name = "", alias = name, ...rest] = text.split(":");
  if (text === "") throw new GantryError("invalid", "BAD_LINK", "empty string specified for links");
  if (rest.length > 0 || name === "" || alias === "") {
    throw new GantryError("invalid", "BAD_LINK", `bad format for links: ${text}`);
  }
  if (!name.startsWith("/")) return { name, alias };
  return { name: name.slice(1), alias: alias.slice(alias.lastIndexOf("/") + 1) };
}

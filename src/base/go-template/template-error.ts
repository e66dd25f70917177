import { GantryError } from "../errors.ts";

/** A template that cannot be parsed or run, in the words of Go's text/template. */
export const templateError = (message: string): GantryError =>
  new GantryError("invalid", "BAD_TEMPLATE", `template: ${message}`);

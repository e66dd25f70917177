import { GantryError } from "../errors.ts";

/** Values of log options, with the complaints of Go's parsers. All throw invalid BAD_LOG_OPT. */

export const badLogOption = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_LOG_OPT", message, hint === undefined ? {} : { hint });

const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

export function parseBool(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw badLogOption(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

export function parseInteger(text: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw badLogOption(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

export function parseUnsigned(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badLogOption(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
}

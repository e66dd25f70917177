import type { SecretSource } from "../../local/build-secrets.ts";
import { FlagError } from "../flags.ts";

/** `id=npm,src=.npmrc`, `id=TOKEN,env=TOKEN`, or `id=TOKEN` for whichever there is. Throws FlagError. */
export function parseSecret(text: string): SecretSource {
  const given = new Map<string, string>();
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    if (at === -1) throw new FlagError(`invalid field '${field}' must be a key=value pair`);
    given.set(field.slice(0, at).toLowerCase(), field.slice(at + 1));
  }
  const source: SecretSource = { id: "" };
  let type = "";
  for (const [key, value] of given) {
    if (key === "type") type = value;
    else if (key === "id") source.id = value;
    else if (key === "source" || key === "src") source.file = value;
    else if (key === "env") source.variable = value;
    else throw new FlagError(`unexpected key '${key}' in '${text}'`);
  }
  if (!["", "file", "env"].includes(type)) throw new FlagError(`unsupported secret type "${type}"`);
  if (source.id === "") throw new FlagError(`secret without an id: '${text}'`);
  if (type === "env" && source.variable === undefined) {
    const { file, ...rest } = source;
    return { ...rest, variable: file ?? source.id };
  }
  return source;
}

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { fileError } from "../file-errors.ts";

export interface Security {
  options: string[];
  /** Nothing is masked: `systempaths=unconfined`. */
  unmasked: boolean;
}

/** `--security-opt`: a seccomp profile's file is read here, since the engine may be elsewhere. */
export function securityOf(given: string[], cwd: string): Security {
  const result: Security = { options: [], unmasked: false };
  for (const option of given) {
    const match = /^([^=:]+)[=:](.*)$/s.exec(option);
    if (match === null && option !== "no-new-privileges")
      throw new Error(`Invalid --security-opt: ${JSON.stringify(option)}`);
    const [, key, value] = match ?? [];
    if (key === "systempaths" && value === "unconfined") result.unmasked = true;
    else if (key === "seccomp" && value !== "unconfined" && value !== "builtin") {
      result.options.push(`seccomp=${profile(value!, cwd)}`);
    } else result.options.push(option);
  }
  return result;
}

function profile(file: string, cwd: string): string {
  let content: string;
  try {
    content = readFileSync(resolve(cwd, file), "utf8");
  } catch (error) {
    throw fileError("open", file, error, `opening seccomp profile (${file}) failed: `);
  }
  try {
    return JSON.stringify(JSON.parse(content));
  } catch (error) {
    throw new Error(`compacting json for seccomp profile (${file}) failed: ${messageOf(error)}`, { cause: error });
  }
}

/** Capabilities as the API spells them; ALL stands for itself, and what is added is not dropped. */
export function capabilitiesOf(add: string[], drop: string[]): { CapAdd: string[] | null; CapDrop: string[] | null } {
  const normal = (names: string[]): Set<string> => {
    const result = new Set(
      names.map((name) => {
        const upper = name.trim().toUpperCase();
        return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
      }),
    );
    return result.has("ALL") ? new Set(["ALL"]) : result;
  };
  const added = normal(add);
  const dropped = [...normal(drop)].filter((name) => !added.has(name));
  return {
    CapAdd: added.size > 0 ? [...added].toSorted() : null,
    CapDrop: dropped.length > 0 ? dropped.toSorted() : null,
  };
}

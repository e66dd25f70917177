import { GantryError, messageOf } from "../../base/errors.ts";
import type { Platform } from "../../base/image-config.ts";
import { platformText, runsOn } from "../../base/platform.ts";
import type { Images } from "../../engine/images/images.ts";
import type { Call } from "../call.ts";

/**
 * Requests may name a platform, as JSON from API 1.`since` on. An image here is of one platform: another one is not
 * found.
 */
export function checkPlatform(images: Images, call: Call, names: string[], since: number): void {
  if (!call.atLeast(since)) return;
  for (const text of [...call.query.getAll("platform"), ...call.query.getAll("platforms")]) {
    if (text === "") continue;
    const wanted = decode(text);
    for (const name of names) {
      const { Os: os, Architecture: architecture, Variant: variant } = images.inspect(name);
      const offered: Platform = { os, architecture, ...(variant ? { variant } : {}) };
      if (runsOn(wanted, offered)) continue;
      throw new GantryError(
        "notFound",
        "OTHER_PLATFORM",
        `image with reference ${name} was found but does not provide the specified platform (${platformText(wanted)})`,
        { hint: `it is for ${platformText(offered)}` },
      );
    }
  }
}

function decode(text: string): Platform {
  try {
    const { os, architecture, variant } = JSON.parse(text) as Partial<Platform>;
    if (typeof os !== "string" || typeof architecture !== "string")
      throw new Error("both OS and Architecture must be provided");
    return { os, architecture, ...(variant ? { variant } : {}) };
  } catch (error) {
    throw new GantryError("invalid", "BAD_PLATFORM", `failed to parse platform: ${messageOf(error)}`, { cause: error });
  }
}

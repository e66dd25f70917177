import type { Platform } from "../base/image-config.ts";
import { platformText } from "../base/platform.ts";

/** The ARGs that exist without being given: TARGETPLATFORM, BUILDARCH … */
export function platformArgs(build: Platform, target: Platform): Record<string, string> {
  return { ...named("BUILD", build), ...named("TARGET", target) };
}

const named = (prefix: string, platform: Platform): Record<string, string> => ({
  [`${prefix}PLATFORM`]: platformText(platform),
  [`${prefix}OS`]: platform.os,
  [`${prefix}ARCH`]: platform.architecture,
  [`${prefix}VARIANT`]: platform.variant ?? "",
});

import { GantryError } from "../base/errors.ts";
import type { Platform } from "../base/image-config.ts";

/** `os[/arch[/variant]]` or just an architecture. Throws invalid BAD_PLATFORM. */
export function parsePlatform(text: string, fallback: Platform): Platform {
  const parts = text.toLowerCase().split("/");
  const bad = parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part));
  if (bad) throw new GantryError("invalid", "BAD_PLATFORM", `"${text}": unknown operating system or architecture`);
  const [first = "", second, third] = parts;
  if (second === undefined && first !== "linux") return { os: fallback.os, ...architecture(first) };
  const arch = second === undefined ? { architecture: fallback.architecture } : architecture(second);
  return { os: first, ...arch, ...(third === undefined ? {} : { variant: third }) };
}

function architecture(name: string): { architecture: string; variant?: string } {
  if (name === "x86_64" || name === "x86-64") return { architecture: "amd64" };
  if (name === "aarch64") return { architecture: "arm64" };
  if (name === "armhf") return { architecture: "arm", variant: "v7" };
  return { architecture: name };
}

const formatPlatform = (platform: Platform): string =>
  [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");

/** The ARGs that exist without being given: TARGETPLATFORM, BUILDARCH … */
export function platformArgs(build: Platform, target: Platform): Record<string, string> {
  const of = (prefix: string, platform: Platform): Record<string, string> => ({
    [`${prefix}PLATFORM`]: formatPlatform(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? "",
  });
  return { ...of("BUILD", build), ...of("TARGET", target) };
}

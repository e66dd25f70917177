import { GantryError } from "./errors.ts";
import type { Descriptor, Platform } from "./image-config.ts";

const ALIASES: Record<string, { architecture: string; variant?: string }> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
  i386: { architecture: "386" },
};

/** `linux/arm64/v8`, `linux/amd64`, `arm64` or `linux`; what is missing comes from `host`. Throws invalid BAD_PLATFORM. */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new GantryError(
      "invalid",
      "BAD_PLATFORM",
      `"${text}": unknown operating system or architecture: invalid argument`,
    );
  }
  if (parts.length === 1 && parts[0] === "linux") return { ...host, os: "linux" };
  const [os, architecture, variant] = parts.length === 1 ? ["linux", parts[0]] : parts;
  return normal({ os: os!, architecture: architecture!, ...(variant ? { variant } : {}) });
}

const normal = ({ os, architecture, variant }: Platform): Platform => {
  const known = Object.hasOwn(ALIASES, architecture) ? ALIASES[architecture] : undefined;
  const arch = known?.architecture ?? architecture;
  let level = variant ?? known?.variant;
  if (arch === "arm64" && level === "v8") level = undefined;
  if (arch === "arm" && level === undefined) level = "v7";
  return { os, architecture: arch, ...(level ? { variant: level } : {}) };
};

/** What an image's configuration, or anything else, says of its platform. */
export const platformOf = ({ os, architecture, variant }: Platform): Platform => ({
  os,
  architecture,
  ...(variant ? { variant } : {}),
});

export const platformText = ({ os, architecture, variant }: Platform): string =>
  `${os}/${architecture}${variant ? `/${variant}` : ""}`;

/** True if a machine of `wanted` runs what was made for `offered`. */
export function runsOn(wanted: Platform, offered: Platform): boolean {
  const a = normal(wanted);
  const b = normal(offered);
  if (a.os !== b.os || a.architecture !== b.architecture) return false;
  if (a.architecture !== "arm") return a.variant === b.variant || b.variant === undefined;
  return Number(b.variant?.slice(1)) <= Number(a.variant?.slice(1));
}

/** The best entry of an index for a platform. Throws notFound NO_MATCHING_PLATFORM with what there is as hint. */
export function pickManifest(manifests: Descriptor[], wanted: Platform): Descriptor {
  const real = manifests.filter((one) => one.platform && one.platform.os !== "unknown");
  const fitting = real.filter((one) => runsOn(wanted, one.platform!));
  const level = (one: Descriptor): number => Number(normal(one.platform!).variant?.slice(1) ?? 0);
  const best = fitting.toSorted((a, b) => level(b) - level(a))[0];
  // An index with one entry of unsaid platform: the config tells later.
  const only = manifests.length === 1 && manifests[0]?.platform === undefined ? manifests[0] : undefined;
  const picked = best ?? only;
  if (picked) return picked;
  throw new GantryError(
    "notFound",
    "NO_MATCHING_PLATFORM",
    `no matching manifest for ${platformText(normal(wanted))} in the manifest list entries`,
    { hint: `there is: ${[...new Set(real.map((one) => platformText(one.platform!)))].join(", ") || "nothing"}` },
  );
}

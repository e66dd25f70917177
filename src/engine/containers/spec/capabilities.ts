import { CAPABILITIES } from "../../../base/capabilities.ts";
import { GantryError } from "../../../base/errors.ts";

const KNOWN = new Set(CAPABILITIES);

/** What a container has when nothing is said. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "MKNOD",
  "NET_RAW",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "SYS_CHROOT",
  "KILL",
  "AUDIT_WRITE",
].map((name) => `CAP_${name}`);

const ALL = "ALL";

/**
 * CapAdd or CapDrop in canonical form: upper case with CAP_, or ALL.
 * Throws invalid BAD_CAPABILITY in Docker's words for a name that Linux does not have.
 */
export function normalizeCapabilities(
  names: readonly string[] | null | undefined,
  field: "CapAdd" | "CapDrop",
): string[] {
  return (names ?? []).map((name) => {
    const upper = name.toUpperCase();
    if (upper === ALL || upper === "CAP_ALL") return ALL;
    const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!KNOWN.has(full)) {
      throw new GantryError("invalid", "BAD_CAPABILITY", `invalid ${field}: unknown capability: "${full}"`);
    }
    return full;
  });
}

export interface CapabilityRequest {
  add?: readonly string[] | null;
  drop?: readonly string[] | null;
  privileged?: boolean;
}

/** The set a container gets, clamped to what the host can grant. In the kernel's order. */
export function grantedCapabilities(request: CapabilityRequest, host: readonly string[]): string[] {
  const wanted = wantedCapabilities(request);
  const grantable = new Set(host);
  return CAPABILITIES.filter((name) => wanted.has(name) && grantable.has(name));
}

function wantedCapabilities(request: CapabilityRequest): Set<string> {
  if (request.privileged) return new Set(CAPABILITIES);
  const add = normalizeCapabilities(request.add, "CapAdd");
  const drop = normalizeCapabilities(request.drop, "CapDrop");
  // as Docker: "add ALL" wins over the defaults, "drop ALL" leaves only what is added by name
  if (add.includes(ALL)) return new Set(CAPABILITIES.filter((name) => !drop.includes(name)));
  if (drop.includes(ALL)) return new Set(add);
  return new Set([...DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name)), ...add]);
}

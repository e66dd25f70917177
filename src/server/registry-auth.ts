import { GantryError } from "../base/errors.ts";
import type { RegistryAuth } from "../ports/remote-registry.ts";

const FIELDS = ["username", "password", "identitytoken", "registrytoken", "serveraddress"] as const;

/**
 * X-Registry-Auth: JSON in base64, URL-safe or not. Without a header, or with `{}`, there are no credentials.
 * Throws invalid BAD_REGISTRY_AUTH.
 */
export function registryAuth(header: string | string[] | undefined): RegistryAuth | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || text === "") return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (cause) {
    throw new GantryError(
      "invalid",
      "BAD_REGISTRY_AUTH",
      "invalid X-Registry-Auth header: it must be base64url of JSON",
      { cause },
    );
  }
  const auth = pickAuth(parsed);
  return Object.keys(auth).length === 0 ? undefined : auth;
}

/** The known fields of a client's credentials, texts only. */
export function pickAuth(value: unknown): RegistryAuth {
  const auth: RegistryAuth = {};
  const record = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  for (const field of FIELDS) {
    const one = record[field];
    if (typeof one === "string" && one !== "") auth[field] = one;
  }
  return auth;
}

import { GantryError } from "./errors.ts";

/** An image's name, taken apart and completed: `busybox` is docker.io, library/busybox. */
export interface ImageReference {
  /** host[:port], "docker.io" when the name gives none */
  registry: string;
  /** path below the registry, lower case */
  repository: string;
  tag?: string;
  /** algorithm:hex */
  digest?: string;
}

const DEFAULT_REGISTRY = "docker.io";
const LEGACY_DEFAULT_REGISTRY = "index.docker.io";
const OFFICIAL = "library/";
const LONGEST_REPOSITORY = 255;

const HOST =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const HEX_LENGTH: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

function refuse(message: string, hint?: string): GantryError {
  return new GantryError("invalid", "BAD_REFERENCE", message, hint === undefined ? {} : { hint });
}

/** A name with nothing where something must be, as an unset variable makes it: `:1`, `app:`, `registry/:1`. */
const HAS_GAP = /^$|^[:/@]|[:/@]$|\/[:/@]|:@/;

function malformed(text: string): GantryError {
  if (!HAS_GAP.test(text)) return refuse("invalid reference format");
  const hint = `${text === "" ? "the name" : `a part of "${text}"`} is empty: is a variable such as \${TAG} unset?`;
  return refuse(`invalid reference format: ${hint}`, hint);
}

function checkDigest(digest: string): void {
  const [algorithm = "", hex = ""] = digest.split(":");
  const length = Object.hasOwn(HEX_LENGTH, algorithm) ? HEX_LENGTH[algorithm] : undefined;
  if (length === undefined) throw refuse("unsupported digest algorithm");
  if (hex.length !== length) throw refuse("invalid checksum digest length");
  if (!/^[0-9a-f]+$/.test(hex)) throw refuse("invalid checksum digest format");
}

/** True for a well-formed digest of a known algorithm; never throws. */
export function isDigest(text: string): boolean {
  if (!DIGEST.test(text)) return false;
  try {
    checkDigest(text);
    return true;
  } catch {
    return false;
  }
}

/** True for what may stand after the colon of a name. */
export const isTag = (text: string): boolean => TAG.test(text);

function splitRegistry(name: string): [registry: string, rest: string] {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  let registry = DEFAULT_REGISTRY;
  let rest = name;
  // Upper case cannot be a repository's, so it must be a host.
  if (slash >= 0 && (first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first)) {
    registry = first === LEGACY_DEFAULT_REGISTRY ? DEFAULT_REGISTRY : first;
    rest = name.slice(slash + 1);
  }
  return [registry, registry === DEFAULT_REGISTRY && !rest.includes("/") ? OFFICIAL + rest : rest];
}

/**
 * Reads a name as users write it (`busybox`, `ghcr.io/a/b:1`, `localhost:5000/x@sha256:…`); no tag is added.
 * Throws invalid BAD_REFERENCE in Docker's words.
 */
export function parseReference(text: string): ImageReference {
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw refuse(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [registry, rest] = splitRegistry(text);
  const at = rest.indexOf("@");
  const named = at < 0 ? rest : rest.slice(0, at);
  const colon = named.indexOf(":");
  const repository = colon < 0 ? named : named.slice(0, colon);
  if (repository.toLowerCase() !== repository) {
    throw refuse(`invalid reference format: repository name (${repository}) must be lowercase`);
  }
  if (!HOST.test(registry) || !repository.split("/").every((part) => COMPONENT.test(part))) throw malformed(text);
  const reference: ImageReference = { registry, repository };
  if (colon >= 0) {
    reference.tag = named.slice(colon + 1);
    if (!TAG.test(reference.tag)) throw malformed(text);
  }
  if (at >= 0) {
    reference.digest = rest.slice(at + 1);
    if (!DIGEST.test(reference.digest)) throw malformed(text);
    checkDigest(reference.digest);
  }
  if (repository.length > LONGEST_REPOSITORY) {
    throw refuse(`repository name must not be more than ${LONGEST_REPOSITORY} characters`);
  }
  return reference;
}

const suffix = (ref: ImageReference): string =>
  (ref.tag === undefined ? "" : `:${ref.tag}`) + (ref.digest === undefined ? "" : `@${ref.digest}`);

/** The repository as Docker shows it: "busybox", "me/app", "localhost:5000/x". */
export function familiarRepository(ref: ImageReference): string {
  if (ref.registry !== DEFAULT_REGISTRY) return `${ref.registry}/${ref.repository}`;
  const official = ref.repository.startsWith(OFFICIAL) && !ref.repository.slice(OFFICIAL.length).includes("/");
  const short = official ? ref.repository.slice(OFFICIAL.length) : ref.repository;
  // On the default registry a first component that looks like a host must keep the registry before it.
  return splitRegistry(short)[0] === DEFAULT_REGISTRY ? short : `${DEFAULT_REGISTRY}/${short}`;
}

/** The whole name as Docker shows it: "busybox:1", "localhost:5000/x@sha256:…". */
export const familiarName = (ref: ImageReference): string => familiarRepository(ref) + suffix(ref);

/** The whole name in full: "docker.io/library/busybox:1". */
export const normalizedName = (ref: ImageReference): string => `${ref.registry}/${ref.repository}${suffix(ref)}`;

/** Adds `latest` to a name that has neither a tag nor a digest. */
export const withDefaultTag = (ref: ImageReference): ImageReference =>
  ref.tag === undefined && ref.digest === undefined ? { ...ref, tag: "latest" } : ref;

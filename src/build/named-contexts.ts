import { GantryError, isGantryError } from "../base/errors.ts";
import type { Platform } from "../base/image-config.ts";
import { familiarName, parseReference, withDefaultTag } from "../base/reference.ts";
import { isRemoteContext } from "./remote-context.ts";
import type { Base } from "./stage-sources.ts";

/** What `--build-context NAME=…` puts in place of the image or stage of that name. */
export type NamedContext =
  | { kind: "image"; reference: string }
  | { kind: "folder"; key: string }
  | { kind: "remote"; url: string };

/** By name, as the user gave it. */
export type NamedContexts = Readonly<Record<string, NamedContext>>;

/** `docker-image://…` is an image, a URL is fetched; anything else is the key of a folder of the client's. */
export function namedContext(text: string): NamedContext {
  if (text.startsWith("docker-image://")) return { kind: "image", reference: text.slice("docker-image://".length) };
  return isRemoteContext(text) ? { kind: "remote", url: text } : { kind: "folder", key: text };
}

/** What the name stands for, if the user says so; `alpine` is also `docker.io/library/alpine:latest`. */
export function contextBase(name: string, contexts: NamedContexts, platform?: Platform): Base | undefined {
  const wanted = normal(name);
  const found = Object.entries(contexts).find(([given]) => normal(given) === wanted);
  if (found === undefined) return undefined;
  const [given, context] = found;
  if (context.kind !== "image") return { ...context, name: given };
  return { kind: "image", reference: context.reference, ...(platform === undefined ? {} : { platform }) };
}

function normal(name: string): string {
  try {
    return familiarName(withDefaultTag(parseReference(name.toLowerCase())));
  } catch (error) {
    if (isGantryError(error)) return name.toLowerCase();
    throw error;
  }
}

export const noFolderBase = (name: string): GantryError =>
  new GantryError("invalid", "BAD_BASE", `FROM ${name}: the build context ${name} is a folder, not an image`, {
    hint: `use its files by COPY --from=${name}, or give an image: --build-context ${name}=docker-image://NAME`,
  });

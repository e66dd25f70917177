import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { ImageReference } from "../../base/reference.ts";
import { truncateId } from "./catalog.ts";
import type { ImageUser } from "./contract.ts";

export interface RemovalFacts {
  id: Digest;
  /** As the user wrote it. */
  asked: string;
  /** The name that was meant; undefined: the image was given by its id. */
  name?: ImageReference;
  /** All names of the image. */
  names: ImageReference[];
  users: ImageUser[];
  /** Images that were built on it. */
  children: Digest[];
  force: boolean;
}

export interface RemovalPlan {
  untag: ImageReference[];
  /** The image itself goes too. */
  remove: boolean;
}

const conflict = (message: string): GantryError => new GantryError("conflict", "IMAGE_IN_USE", `conflict: ${message}`);

const sameRepository = (a: ImageReference, b: ImageReference): boolean =>
  a.registry === b.registry && a.repository === b.repository;

const sameName = (a: ImageReference, b: ImageReference): boolean =>
  sameRepository(a, b) && a.digest === b.digest && (a.digest !== undefined || a.tag === b.tag);

/** One name is all there is: a single one, or one tag with digests of the same repository. */
export function isSingleName(names: ImageReference[]): boolean {
  const first = names.find((name) => name.digest === undefined) ?? names[0];
  if (first === undefined) return true;
  return (
    names.filter((name) => name.digest === undefined).length <= 1 && names.every((name) => sameRepository(name, first))
  );
}

/** Why an image can't be deleted, in Docker's order; undefined: it can. */
export function obstacle(facts: RemovalFacts, names: ImageReference[]): GantryError | undefined {
  const { id, users, children, force } = facts;
  const refuse = (how: string, why: string): GantryError =>
    conflict(`unable to delete ${truncateId(id)} (${how}) - ${why}`);
  if (children.length > 0) return refuse("cannot be forced", "image has dependent child images");
  const running = users.find((user) => user.running);
  if (running) return refuse("cannot be forced", `image is being used by running container ${truncateId(running.id)}`);
  if (force) return undefined;
  if (names.length > 0) return refuse("must be forced", "image is referenced in multiple repositories");
  const stopped = users[0];
  if (stopped) return refuse("must be forced", `image is being used by stopped container ${truncateId(stopped.id)}`);
  return undefined;
}

/** What `docker rmi` does with an image: take a name away, delete it, or refuse with a conflict. */
export function planRemoval(facts: RemovalFacts): RemovalPlan {
  const { name, names, users, force } = facts;
  if (name === undefined) {
    const single = isSingleName(names);
    const stopped = obstacle(facts, single ? [] : names);
    if (stopped) throw stopped;
    return { untag: names, remove: true };
  }
  const user = users[0];
  if (!force && user && isSingleName(names)) {
    const container = `container ${truncateId(user.id)} is using its referenced image ${truncateId(facts.id)}`;
    throw conflict(`unable to remove repository reference "${facts.asked}" (must force) - ${container}`);
  }
  const untag = [name];
  const rest = names.filter((other) => !sameName(other, name));
  // Digests alone keep nothing: they go with the repository's last tag.
  if (name.digest === undefined && !rest.some((other) => other.digest === undefined && sameRepository(other, name))) {
    untag.push(...rest.filter((other) => sameRepository(other, name)));
  }
  const left = names.filter((other) => !untag.some((gone) => sameName(gone, other)));
  return { untag, remove: left.length === 0 && obstacle(facts, []) === undefined };
}

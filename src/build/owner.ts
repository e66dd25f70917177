import { GantryError, isGantryError } from "../base/errors.ts";
import type { BuildFiles, Owner } from "../ports/build-files.ts";

const ACCOUNTS_LIMIT = 1024 * 1024;
const LAST_ID = 2 ** 32 - 2;

/** /etc/passwd and /etc/group of the tree that is written to; undefined: not there. */
export interface Accounts {
  passwd: string | undefined;
  group: string | undefined;
}

export const accountsOf = (files: BuildFiles, root: string): Accounts => ({
  passwd: files.readText(root, "/etc/passwd", ACCOUNTS_LIMIT),
  group: files.readText(root, "/etc/group", ACCOUNTS_LIMIT),
});

/** Of what is made on behalf of USER: root's, as long as the user isn't there. */
export function userOwner(user: string, accounts: () => Accounts): Owner | undefined {
  if (user === "") return undefined;
  try {
    return parseChown(user, accounts);
  } catch (error) {
    if (isGantryError(error, "BAD_OWNER")) return undefined;
    throw error;
  }
}

/**
 * `--chown=user[:group]`, names or numbers. Without a group: the user's number, or the group of the user's name, or
 * the user's own group. Names come only from the given files. Throws invalid BAD_OWNER.
 */
export function parseChown(text: string, accounts: () => Accounts): Owner {
  const [user = "", group, more] = text.split(":");
  if (more !== undefined || user === "") throw bad(`invalid chown string format: ${text}`);
  const uid = asId(user);
  if (uid !== undefined) return { uid, gid: group ? gidOf(group, accounts) : uid };
  const account = fields(accounts().passwd).find((parts) => parts[0] === user);
  if (account === undefined) throw bad(`can't find uid for user ${user}: no such user: ${user}`);
  const found = { uid: asId(account[2] ?? ""), gid: asId(account[3] ?? "") };
  if (found.uid === undefined || found.gid === undefined) throw bad(`bad entry for user ${user} in /etc/passwd`);
  if (group) return { uid: found.uid, gid: gidOf(group, accounts) };
  const same = fields(accounts().group).find((parts) => parts[0] === user);
  return { uid: found.uid, gid: asId(same?.[2] ?? "") ?? found.gid };
}

function gidOf(group: string, accounts: () => Accounts): number {
  const gid = asId(group) ?? asId(fields(accounts().group).find((parts) => parts[0] === group)?.[2] ?? "");
  if (gid === undefined) throw bad(`can't find gid for group ${group}: no such group: ${group}`);
  return gid;
}

/** A number that is an id; digits that are too big are an error and never a name. */
function asId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > LAST_ID) throw bad(`id ${text} is out of range`);
  return id;
}

const fields = (file: string | undefined): string[][] => (file ?? "").split("\n").map((line) => line.split(":"));

const bad = (why: string): GantryError =>
  new GantryError("invalid", "BAD_OWNER", `unable to convert uid/gid chown string to host mapping: ${why}`);

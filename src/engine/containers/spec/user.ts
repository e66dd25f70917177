import { GantryError } from "../../../base/errors.ts";
import type { ResolvedUser } from "./facts.ts";

/** The kernel takes more, but Docker's tools do not; -1 and its kin are special. */
const MAX_ID = 0x7fffffff;

interface PasswdEntry {
  name: string;
  uid: number | undefined;
  gid: number | undefined;
  home: string;
}

interface GroupEntry {
  name: string;
  gid: number | undefined;
  members: string[];
}

/** Digits only and in range; anything else is no id: never rounded, never 0 by accident. */
function readId(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

const looksNumeric = (text: string): boolean => /^[+-]?[0-9]+$/.test(text);

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

function readPasswd(text: string): PasswdEntry[] {
  return lines(text).map((line) => {
    const [name = "", , uid, gid, , home = ""] = line.split(":");
    return { name, uid: readId(uid), gid: readId(gid), home };
  });
}

function readGroup(text: string): GroupEntry[] {
  return lines(text).map((line) => {
    const [name = "", , gid, members = ""] = line.split(":");
    return { name, gid: readId(gid), members: members.split(",").filter((member) => member !== "") };
  });
}

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_USER", message, hint === undefined ? {} : { hint });
const outOfRange = (): GantryError => bad(`uids and gids must be in range 0-${MAX_ID}`);

/**
 * Who "uid", "name", "uid:gid", "name:group" … is, by the image's own files ("" when it has none). Throws invalid
 * BAD_USER in Docker's words. A numeric spec is always that number, whatever names the files hold; an entry whose ids
 * are malformed is refused rather than read as 0.
 */
export function resolveUser(
  spec: string | undefined,
  passwdText: string,
  groupText: string,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const [userWord = "", ...rest] = (spec ?? "").split(":");
  const groupWord = rest.join(":");
  const entry = findUser(userWord, readPasswd(passwdText));
  const user = userIds(userWord, entry);
  const groups = readGroup(groupText);
  const named = entry === undefined ? undefined : entry.name;
  const implicit =
    groupWord === "" && named !== undefined ? groups.filter((group) => group.members.includes(named)) : [];
  const gid = groupWord === "" ? user.gid : groupId(groupWord, groups, `unable to find group ${groupWord}`);
  const added = groupAdd.map((word) => groupId(word, groups, `Unable to find group ${word}`));
  return {
    uid: user.uid,
    gid,
    additionalGids: [...new Set([...implicit.flatMap((group) => group.gid ?? []), ...added])],
    home: user.home,
  };
}

function findUser(word: string, entries: PasswdEntry[]): PasswdEntry | undefined {
  if (word === "") return entries.find((entry) => entry.uid === 0);
  if (looksNumeric(word)) return entries.find((entry) => entry.uid !== undefined && entry.uid === readId(word));
  return entries.find((entry) => entry.name === word);
}

function userIds(word: string, entry: PasswdEntry | undefined): { uid: number; gid: number; home: string } {
  if (entry !== undefined) {
    if (entry.uid === undefined || entry.gid === undefined) throw outOfRange();
    return { uid: entry.uid, gid: entry.gid, home: entry.home || "/" };
  }
  if (word === "") return { uid: 0, gid: 0, home: "/" };
  if (!looksNumeric(word)) {
    const hint = `names are looked up in the image's own /etc/passwd: add ${word} there, or give a number`;
    throw bad(`unable to find user ${word}: no matching entries in passwd file`, hint);
  }
  const uid = readId(word);
  if (uid === undefined) throw outOfRange();
  return { uid, gid: 0, home: "/" };
}

function groupId(word: string, groups: GroupEntry[], missing: string): number {
  if (looksNumeric(word)) {
    const gid = readId(word);
    if (gid === undefined) throw outOfRange();
    return gid;
  }
  const group = groups.find((entry) => entry.name === word);
  if (group === undefined) throw bad(`${missing}: no matching entries in group file`);
  if (group.gid === undefined) throw outOfRange();
  return group.gid;
}

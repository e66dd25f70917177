import { GantryError } from "../../base/errors.ts";
import { type IdMap, insideOf, outsideOf, type Owner, ownerOutside } from "../../base/id-map.ts";
import { type ByteString, readable } from "../syscalls/files.ts";
import { ACL, DEFAULT_ACL } from "./attributes.ts";
import type { Entry } from "./entry.ts";

/** Whose is what a container cannot name. */
const NOBODY = 65_534;
const CAPABILITY = "security.capability";

// struct vfs_ns_cap_data: the version in the topmost byte, 16 bytes of capabilities, from version 3 on who counts as root
const VERSION_2 = 0x02;
const VERSION_3 = 0x03;
const LENGTH_2 = 20;
const LENGTH_3 = 24;

// struct posix_acl_xattr_entry behind a version: tag, permissions (2 bytes each), the id of a user or group by name
const ACL_HEADER = 4;
const ACL_ENTRY = 8;
const ACL_USER = 0x02;
const ACL_GROUP = 0x08;

type Attributes = Pick<Entry, "uid" | "gid" | "xattrs">;

/** A file of a tree of remapped ids, as the container knows it. */
export function asInside(ids: IdMap, { uid, gid, xattrs }: Attributes): Attributes {
  const named = { user: (id: number) => insideOf(ids.uids, id), group: (id: number) => insideOf(ids.gids, id) };
  return {
    uid: insideOf(ids.uids, uid) ?? NOBODY,
    gid: insideOf(ids.gids, gid) ?? NOBODY,
    xattrs: mapCapability(mapAcls(xattrs, named), (value) => {
      if (value.length !== LENGTH_3 || value[3] !== VERSION_3) return value;
      if (insideOf(ids.uids, value.readUInt32LE(LENGTH_2)) !== 0) return value;
      const plain = Buffer.from(value.subarray(0, LENGTH_2));
      plain[3] = VERSION_2;
      return plain;
    }),
  };
}

/** The other way. Throws invalid UNMAPPED_ID for an owner that the container has not. */
export function asOutside(ids: IdMap, { uid, gid, xattrs }: Attributes, name: ByteString): Attributes {
  const owner = ownerOutside(ids, { uid, gid });
  if (owner === undefined) throw unmapped({ uid, gid }, name);
  const named = { user: (id: number) => outsideOf(ids.uids, id), group: (id: number) => outsideOf(ids.gids, id) };
  return {
    ...owner,
    xattrs: mapCapability(mapAcls(xattrs, named), (value) => {
      const root = ownerOutside(ids, { uid: 0, gid: 0 })?.uid;
      if (value.length !== LENGTH_2 || value[3] !== VERSION_2 || root === undefined) return value;
      const shifted = Buffer.alloc(LENGTH_3);
      value.copy(shifted);
      shifted[3] = VERSION_3;
      shifted.writeUInt32LE(root, LENGTH_2);
      return shifted;
    }),
  };
}

/** Of a file's capabilities the kernel has to be told whose root they are for. */
function mapCapability(xattrs: Entry["xattrs"], change: (value: Buffer) => Buffer): Entry["xattrs"] {
  const value = xattrs.get(CAPABILITY);
  return value === undefined ? xattrs : new Map(xattrs).set(CAPABILITY, change(value));
}

/** Who is named in access lists; whom the other side does not have is nobody there. */
function mapAcls(
  xattrs: Entry["xattrs"],
  named: Record<"user" | "group", (id: number) => number | undefined>,
): Entry["xattrs"] {
  let mapped = xattrs;
  for (const name of [ACL, DEFAULT_ACL]) {
    const value = xattrs.get(name);
    if (value === undefined) continue;
    const list = Buffer.from(value);
    for (let at = ACL_HEADER; at + ACL_ENTRY <= list.length; at += ACL_ENTRY) {
      const tag = list.readUInt16LE(at);
      if (tag !== ACL_USER && tag !== ACL_GROUP) continue;
      const id = named[tag === ACL_USER ? "user" : "group"](list.readUInt32LE(at + 4));
      list.writeUInt32LE(id ?? NOBODY, at + 4);
    }
    mapped = new Map(mapped).set(name, list);
  }
  return mapped;
}

const unmapped = ({ uid, gid }: Owner, name: ByteString): GantryError =>
  new GantryError(
    "invalid",
    "UNMAPPED_ID",
    `${JSON.stringify(readable(name))} belongs to ${uid}:${gid}, which the container's user namespace does not have`,
    { hint: "give the account of userns-remap more subordinate ids, or create the container with --userns=host" },
  );

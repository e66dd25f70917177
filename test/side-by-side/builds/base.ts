import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { baseImage } from "../base-image.ts";
import type { Member } from "../../support/tar-maker.ts";

const FOLDER = "opt/tools";
const TOOLS = ["/usr/sbin/setcap", "/usr/bin/setfacl", "/usr/bin/setfattr", "/usr/bin/getfattr"];

/** Whether a path is there for the tools alone: what is there depends on the machine. */
export const isOfTools = (name: string): boolean => /^(opt(\/|$)|bin\/[gs]et(cap|facl|fattr)$)/.test(name);

const content = (file: string): string => fs.readFileSync(file, "latin1");

/** What the Dockerfiles begin with: busybox, and programs of this machine for capabilities, ACLs and attributes. */
export function buildBase(): Buffer {
  const libraries = TOOLS.flatMap((tool) => execFileSync("ldd", [tool], { encoding: "utf8" }).match(/\/\S+/g) ?? []);
  const loader = libraries.find((file) => path.basename(file).startsWith("ld-")) as string;
  const files = [...new Set([...TOOLS, ...libraries])];
  return baseImage([
    { name: "opt/", type: "dir", mode: 0o755 },
    { name: `${FOLDER}/`, type: "dir", mode: 0o755 },
    ...files.map((file) => ({ name: `${FOLDER}/${path.basename(file)}`, mode: 0o755, content: content(file) })),
    ...TOOLS.map((tool): Member => {
      const name = path.basename(tool);
      const call = `/${FOLDER}/${path.basename(loader)} --library-path /${FOLDER} /${FOLDER}/${name}`;
      return { name: `bin/${name}`, mode: 0o755, content: `#!/bin/sh\nexec ${call} "$@"\n` };
    }),
    // To be changed, hidden and replaced by the builds.
    { name: "base/", type: "dir", mode: 0o750, uid: 3, gid: 4 },
    { name: "base/file", mode: 0o640, uid: 5, gid: 6, content: "of the base\n" },
    { name: "base/twin", type: "link", link: "base/file", mode: 0o640, uid: 5, gid: 6 },
    { name: "base/folder/", type: "dir", mode: 0o711 },
    { name: "base/folder/inner", content: "inner\n" },
    { name: "base/folder/deep/", type: "dir", mode: 0o755 },
    { name: "base/folder/deep/leaf", content: "leaf\n" },
    { name: "base/to-folder", type: "symlink", link: "folder", mode: 0o777 },
    { name: "base/to-file", type: "symlink", link: "/base/file", mode: 0o777 },
    { name: "base/to-nothing", type: "symlink", link: "/made/by/link", mode: 0o777 },
    { name: "base/up", type: "symlink", link: "../../../../../../tmp", mode: 0o777 },
  ]).archive;
}

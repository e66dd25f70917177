import fs from "node:fs";

export interface MountRow {
  mountPoint: string;
  peers: "shared" | "slave" | "none";
}

/** Mounts of this namespace in the order they were made; a bind on the same file system shows only there. */
export function readMountTable(): MountRow[] {
  const lines = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line !== "").map(readRow);
}

/** mountinfo(5): `id parent device root mountPoint options tag… - type source superOptions` */
function readRow(line: string): MountRow {
  const [left = ""] = line.split(" - ");
  const [, , , , mountPoint = "", , ...tags] = left.split(" ");
  const has = (name: string): boolean => tags.some((tag) => tag.startsWith(`${name}:`));
  return { mountPoint: unescape(mountPoint), peers: has("shared") ? "shared" : has("master") ? "slave" : "none" };
}

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

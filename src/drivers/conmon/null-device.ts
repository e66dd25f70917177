import fs from "node:fs";

const NULL = "/dev/null";
const FREE_FOR_ALL = 0o666;

/**
 * A container that reads nothing has the host's /dev/null for its input, and crun gives what a container's streams are
 * to the container's user, who could then close it to everybody else. To be called before the user's program starts.
 */
export function keepNullDevice(): void {
  const { uid, gid, mode } = fs.statSync(NULL);
  if (uid !== 0 || gid !== 0) fs.chownSync(NULL, 0, 0);
  if ((mode & 0o7777) !== FREE_FOR_ALL) fs.chmodSync(NULL, FREE_FOR_ALL);
}

import fs from "node:fs";

/** Shorter runs of zeros are written. */
const HOLE = 8 * 1024;
const ZEROS = Buffer.alloc(HOLE);

/** Writes all but long runs of zeros, for which a new file needs no room. True: the file has to be given its length. */
export function writeWithHoles(fd: number, bytes: Buffer, position: number): boolean {
  let from = 0;
  let holes = false;
  for (let at = 0; at + HOLE <= bytes.length; at += HOLE) {
    if (ZEROS.compare(bytes, at, at + HOLE) !== 0) continue;
    write(fd, bytes.subarray(from, at), position + from);
    from = at + HOLE;
    holes = true;
  }
  write(fd, bytes.subarray(from), position + from);
  return holes;
}

function write(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

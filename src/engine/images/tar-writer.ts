const BLOCK = 512;

/** One ustar header for a file or folder of root's, without a time: the same contents give the same archive. */
export function tarHeader(name: string, size: number): Buffer {
  const folder = name.endsWith("/");
  if (Buffer.byteLength(name) > 100) throw new Error(`name too long for the archive: ${name}`);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write(folder ? "0000755\0" : "0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  // 8 GiB and more need GNU's binary form.
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write("00000000000\0", 136);
  header.fill(32, 148, 156);
  header.write(folder ? "5" : "0", 156);
  header.write("ustar\x0000", 257, "latin1");
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Zeros up to the next block. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** The end mark. */
export const TAR_END = 2 * BLOCK;

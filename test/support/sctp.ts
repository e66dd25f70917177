/** CRC32c, the checksum of SCTP. */
function checksum(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** The packet that opens an SCTP association, without its IP header. */
export function sctpInit(from: number, to: number): Buffer {
  const packet = Buffer.alloc(32);
  packet.writeUInt16BE(from, 0);
  packet.writeUInt16BE(to, 2);
  packet.writeUInt8(1, 12); // INIT
  packet.writeUInt16BE(20, 14);
  packet.writeUInt32BE(0x67616e74, 16); // initiate tag
  packet.writeUInt32BE(65_536, 20); // receiver window
  packet.writeUInt16BE(1, 24); // streams out
  packet.writeUInt16BE(1, 26); // streams in
  packet.writeUInt32BE(1, 28); // first sequence number
  packet.writeUInt32LE(checksum(packet), 8);
  return packet;
}

export const isWholeSctp = (packet: Buffer): boolean => {
  const bare = Buffer.from(packet);
  bare.writeUInt32LE(0, 8);
  return packet.readUInt32LE(8) === checksum(bare);
};

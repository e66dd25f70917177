const LENGTH = 2;

/** Cuts a TCP stream into DNS messages: two bytes of length before each. Holds at most one message. */
export class TcpMessages {
  private readonly length = Buffer.alloc(LENGTH);
  private message: Buffer = Buffer.alloc(0);
  /** Bytes of length and message that are there. */
  private filled = 0;

  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      const before = this.filled;
      if (before < LENGTH) {
        this.filled += chunk.copy(this.length, before, at);
        if (this.filled === LENGTH) this.message = Buffer.alloc(this.length.readUInt16BE(0));
      } else {
        this.filled += chunk.copy(this.message, before - LENGTH, at);
      }
      at += this.filled - before;
      if (this.filled < LENGTH || this.filled < LENGTH + this.message.length) continue;
      messages.push(this.message);
      this.filled = 0;
    }
    return messages;
  }
}

export function tcpMessage(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

import assert from "node:assert/strict";
import * as dnsPacket from "dns-packet";
import { run } from "./engine.ts";

export type Transport = "udp" | "tcp";

/** The reply to one question, asked at 127.0.0.11 in a network namespace. */
export async function askDns(netns: string, query: Buffer, via: Transport): Promise<dnsPacket.DecodedPacket> {
  const script = `const q = Buffer.from(process.argv[1], "hex"); setTimeout(() => process.exit(3), 20_000).unref(); ${CLIENTS[via]}`;
  const words = [`--net=${netns}`, process.execPath, "-e", script, query.toString("hex")];
  const { stdout, stderr } = await run("nsenter", words);
  assert.notEqual(stdout, "", stderr);
  return dnsPacket.decode(Buffer.from(stdout, "hex"));
}

export const question = (name: string, type: dnsPacket.RecordType = "A"): Buffer =>
  dnsPacket.encode({ type: "query", id: 7, flags: 0x100, questions: [{ type, name }] });

const CLIENTS: Record<Transport, string> = {
  udp: `const s = require("dgram").createSocket("udp4");
    s.on("message", (m) => { process.stdout.write(m.toString("hex")); s.close(); }); s.send(q, 53, "127.0.0.11");`,
  tcp: `const s = require("net").connect(53, "127.0.0.11"); let all = Buffer.alloc(0);
    s.on("data", (m) => { all = Buffer.concat([all, m]); if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return;
      process.stdout.write(all.subarray(2).toString("hex")); s.destroy(); });
    s.write(Buffer.concat([Buffer.from([q.length >> 8, q.length & 255]), q]));`,
};

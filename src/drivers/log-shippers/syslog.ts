import fs from "node:fs";
import tls from "node:tls";
import { errnoOf, messageOf } from "../../base/errors.ts";
import { parseFacility, parseSyslogAddress } from "../../base/logging/addresses.ts";
import type { LogOptions } from "../../base/logging/options.ts";
import type { LogSubject } from "../../base/logging/subject.ts";
import { badLogOption, parseBool } from "../../base/logging/values.ts";
import type { LogMessage, LogSender } from "../../ports/log-shipper.ts";
import { type Datagrams, udpTo, unixDatagramsTo } from "./datagrams.ts";
import { unreachable } from "./dial-error.ts";
import { LogStreamConnection } from "./stream.ts";
import { formatSyslog, type SyslogShape } from "./syslog-format.ts";

const OWN_SOCKETS = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/** RFC 3164 and 5424 over unix sockets, UDP, TCP and TLS. */
export async function connectSyslog(options: LogOptions, subject: LogSubject, hostname: string): Promise<LogSender> {
  const endpoint = parseSyslogAddress(options["syslog-address"] ?? "");
  const format = options["syslog-format"] ?? "";
  const shape: SyslogShape = {
    format,
    facility: parseFacility(options["syslog-facility"] ?? ""),
    tag: subject.tag,
    hostname,
    pid: process.pid,
    counted: endpoint?.protocol === "tls" && format.startsWith("rfc5424"),
  };
  if (!endpoint) return ownSyslog(shape);
  switch (endpoint.protocol) {
    case "udp":
      return oneByOne(await udpTo(endpoint.host, endpoint.port), shape);
    case "unixgram":
      return oneByOne(unixDatagramsTo(endpoint.path), shape);
    case "tls":
      return inStream(await LogStreamConnection.open(endpoint, { tls: tlsOptions(options) }), shape);
    default:
      return inStream(await LogStreamConnection.open(endpoint), shape);
  }
}

/** This machine's, wherever it listens. */
async function ownSyslog(shape: SyslogShape): Promise<LogSender> {
  for (const path of OWN_SOCKETS) {
    try {
      return oneByOne(unixDatagramsTo(path), shape);
    } catch {
      // perhaps a stream
    }
    try {
      return inStream(await LogStreamConnection.open({ protocol: "unix", path }), shape);
    } catch {
      // the next one
    }
  }
  throw unreachable("Unix syslog delivery error");
}

/** Docker leaves empty lines out. */
const encode = (messages: LogMessage[], shape: SyslogShape): Buffer[] =>
  messages.filter(({ line }) => line.length > 0).map((message) => formatSyslog(message, shape));

const oneByOne = (datagrams: Datagrams, shape: SyslogShape): LogSender => ({
  async send(messages) {
    for (const bytes of encode(messages, shape)) await datagrams.send(bytes);
  },
  close: () => datagrams.close(),
});

const inStream = (connection: LogStreamConnection, shape: SyslogShape): LogSender => ({
  send: (messages) => connection.write(Buffer.concat(encode(messages, shape))),
  close: () => connection.close(),
});

function tlsOptions(options: LogOptions): tls.ConnectionOptions {
  const { "syslog-tls-ca-cert": ca, "syslog-tls-cert": cert, "syslog-tls-key": key } = options;
  const skip = options["syslog-tls-skip-verify"];
  return {
    ...(ca ? { ca: [...tls.rootCertificates, readPem(ca, "could not read CA certificate")] } : {}),
    ...(cert && key
      ? { cert: readPem(cert, "could not load X509 key pair"), key: readPem(key, "could not load X509 key pair") }
      : {}),
    rejectUnauthorized: skip === undefined || (skip !== "" && !parseBool(skip)),
  };
}

function readPem(path: string, what: string): string {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    const why = errnoOf(error) === "ENOENT" ? "no such file or directory" : messageOf(error);
    throw badLogOption(`${what} ${JSON.stringify(path)}: open ${path}: ${why}`);
  }
}

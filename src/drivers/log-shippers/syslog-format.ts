import type { LogMessage } from "../../ports/log-shipper.ts";

const INFO = 6;
const ERROR = 3;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface SyslogShape {
  /** "" is the old local one: like RFC 3164 without a host. */
  format: string;
  facility: number;
  tag: string;
  hostname: string;
  pid: number;
  /** Octet counting of RFC 5425: only for RFC 5424 over TLS, as Docker does. */
  counted: boolean;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Go's time.Stamp, local time. */
const oldStamp = (at: Date): string =>
  `${MONTHS[at.getMonth()]} ${String(at.getDate()).padStart(2)} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

/** RFC 3339 in local time; `fraction` begins with a point. */
function stamp(at: Date, fraction: string): string {
  const offset = -at.getTimezoneOffset();
  const zone =
    offset === 0
      ? "Z"
      : `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19);
  return `${local}${fraction}${zone}`;
}

/** One message for the wire, with its newline. */
export function formatSyslog(message: LogMessage, shape: SyslogShape): Buffer {
  const priority = shape.facility * 8 + (message.stream === "stderr" ? ERROR : INFO);
  const head = Buffer.from(`<${priority}>${header(message, shape)}`);
  const text = Buffer.concat([head, message.line, Buffer.from("\n")]);
  return shape.counted ? Buffer.concat([Buffer.from(`${text.length} `), text]) : text;
}

function header(message: LogMessage, { format, tag, hostname, pid }: SyslogShape): string {
  const at = new Date(message.time);
  switch (format) {
    case "rfc3164":
      return `${oldStamp(at)} ${hostname} ${tag}[${pid}]: `;
    case "rfc5424":
    case "rfc5424micro": {
      const fraction = format === "rfc5424" ? "" : message.time.slice(19, 26);
      return `1 ${stamp(at, fraction)} ${hostname} ${tag} ${pid} ${tag} - `;
    }
    default:
      return `${oldStamp(at)} ${tag}[${pid}]: `;
  }
}

import fs from "node:fs";

const HOST = "/etc/resolv.conf";
/** What systemd-resolved itself asks; /etc/resolv.conf then only names its stub on 127.0.0.53. */
const BEHIND_STUB = "/run/systemd/resolve/resolv.conf";
const STUB_ONLY = /^\s*nameserver\s+127\.0\.0\.53\s*$/m;

/** The resolv.conf that names the host's real servers; "" if there is none. */
export function readResolvConf(): string {
  const text = readOr(HOST);
  return STUB_ONLY.test(text) ? readOr(BEHIND_STUB) || text : text;
}

function readOr(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

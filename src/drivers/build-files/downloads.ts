import dns from "node:dns";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { GantryError } from "../../base/errors.ts";
import { requestReason } from "../../base/request-reason.ts";
import type { Download, Downloads } from "../../ports/build-files.ts";

const REDIRECTS_MAX = 10;
/** Without a byte for so long, the download is given up. */
const IDLE_MS = 60_000;

const loopback = new net.BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addSubnet("0.0.0.0", 8);
loopback.addAddress("::1", "ipv6");
loopback.addAddress("::", "ipv6");
const linkLocal = new net.BlockList();
linkLocal.addSubnet("169.254.0.0", 16);
linkLocal.addSubnet("fe80::", 10, "ipv6");

const within = (list: net.BlockList, address: string): boolean => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  return list.check(plain, net.isIPv6(plain) ? "ipv6" : "ipv4");
};

/** Fetches over HTTP and HTTPS with Node's own client. */
export class HttpDownloads implements Downloads {
  async open(url: string, signal?: AbortSignal): Promise<Download> {
    let current = parse(url);
    let local = true;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const { response, address } = await request(current, { allowLoopback: local, ...(signal ? { signal } : {}) });
      local &&= within(loopback, address);
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      if (status >= 300 && status < 400 && location !== undefined) {
        response.resume();
        current = parse(location, current);
        continue;
      }
      if (status !== 200) {
        response.destroy();
        throw unavailable(`failed to GET ${url} with status ${status} ${response.statusMessage ?? ""}`.trim());
      }
      const filename = nameOf(current, response.headers["content-disposition"]) ?? undefined;
      const size = Number(response.headers["content-length"] ?? Number.NaN);
      const modified = Date.parse(response.headers["last-modified"] ?? "");
      return {
        body: response,
        ...(filename === undefined ? {} : { filename }),
        ...(Number.isNaN(size) ? {} : { size }),
        ...(Number.isNaN(modified) ? {} : { modified }),
      };
    }
    throw unavailable(`failed to GET ${url}: stopped after ${REDIRECTS_MAX} redirects`);
  }
}

function parse(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new GantryError("invalid", "BAD_URL", `parse "${text}": invalid URL`, { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new GantryError("invalid", "BAD_URL", `unsupported protocol scheme "${url.protocol.slice(0, -1)}"`);
  }
  return url;
}

const unavailable = (message: string, cause?: unknown): GantryError =>
  new GantryError("unavailable", "DOWNLOAD_FAILED", message, { cause });

const refused = (host: string, address: string): GantryError =>
  new GantryError("forbidden", "DOWNLOAD_REFUSED", `download from ${host} refused: ${address} is not a public address`);

/** The address is checked where the connection is made, so that DNS can't change its mind in between. */
function request(
  url: URL,
  options: { allowLoopback: boolean; signal?: AbortSignal },
): Promise<{ response: http.IncomingMessage; address: string }> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  let address = host;
  const problem = (found: string): GantryError | undefined => {
    address = found;
    const bad = within(linkLocal, found) || (!options.allowLoopback && within(loopback, found));
    return bad ? refused(host, found) : undefined;
  };
  const lookup: net.LookupFunction = (name, how, done) => {
    dns.lookup(name, { ...how, all: true }, (error, found) => {
      const first = found?.[0];
      if (error || first === undefined) return done(error ?? new Error(`no address for ${name}`), "", 4);
      const trouble = problem(first.address);
      if (trouble) return done(trouble, "", 4);
      if (how.all) return done(null, [first]);
      return done(null, first.address, first.family);
    });
  };
  const literal = net.isIP(host) === 0 ? undefined : problem(host);
  if (literal) return Promise.reject(literal);
  return new Promise((resolve, reject) => {
    const client = url.protocol === "https:" ? https : http;
    const call = client.get(
      url,
      {
        lookup,
        timeout: IDLE_MS,
        headers: { "User-Agent": "gantry" },
        ...(options.signal ? { signal: options.signal } : {}),
      },
      (response) => resolve({ response, address }),
    );
    call.on("timeout", () => call.destroy(new Error("no data for 60 s")));
    call.on("error", (cause) => {
      if (cause instanceof GantryError) reject(cause);
      else if (options.signal?.aborted) reject(new GantryError("canceled", "CANCELED", "canceled", { cause }));
      else reject(unavailable(`Get "${url.href}": ${requestReason(cause, url)}`, cause));
    });
  });
}

function nameOf(url: URL, disposition: string | undefined): string | undefined {
  if (!url.pathname.endsWith("/")) {
    const name = path.posix.basename(decode(url.pathname));
    if (isName(name)) return name;
  }
  const stated = /filename="?([^";]+)"?/i.exec(disposition ?? "")?.[1];
  const name = stated === undefined ? "" : path.posix.basename(stated);
  return isName(name) ? name : undefined;
}

const isName = (name: string): boolean => name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

import dns from "node:dns";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { GantryError } from "../../base/errors.ts";
import { requestReason } from "../../base/request-reason.ts";

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

export const isLinkLocal = (address: string): boolean => within(linkLocal, address);

export interface Answer {
  response: http.IncomingMessage;
  /** Where the redirects led, and the address that answered there. */
  url: URL;
  address: string;
  /** No redirect led here from another machine. */
  local: boolean;
}

/** Follows redirects to an answer. A redirect from elsewhere to loopback, and link-local addresses at all, are refused. */
export async function follow(text: string, options: { local: boolean; signal?: AbortSignal }): Promise<Answer> {
  const { signal } = options;
  let url = parse(text);
  let { local } = options;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    const { response, address } = await request(url, { allowLoopback: local, ...(signal ? { signal } : {}) });
    local &&= within(loopback, address);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined) return { response, url, address, local };
    response.resume();
    url = parse(location, url);
  }
  throw unavailable(`failed to GET ${text}: stopped after ${REDIRECTS_MAX} redirects`);
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

export const unavailable = (message: string, cause?: unknown): GantryError =>
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

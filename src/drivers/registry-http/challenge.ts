/** One `WWW-Authenticate` challenge: the scheme in lower case and its parameters. */
export interface Challenge {
  scheme: "basic" | "bearer";
  params: Record<string, string>;
}

const SCHEME = /^\s*,?\s*([A-Za-z]+)(?:\s+|$)/;
const PARAM = /^\s*,?\s*([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/;

/** The challenges of a header, known schemes only, in the order the server named them. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const found: Challenge[] = [];
  let rest = header ?? "";
  while (rest.length > 0) {
    const scheme = SCHEME.exec(rest);
    if (!scheme) break;
    rest = rest.slice(scheme[0].length);
    const params: Record<string, string> = {};
    for (let param = PARAM.exec(rest); param; param = PARAM.exec(rest)) {
      params[(param[1] ?? "").toLowerCase()] = param[3] ?? (param[2] ?? "").replaceAll(/\\(.)/g, "$1");
      rest = rest.slice(param[0].length);
    }
    const name = (scheme[1] ?? "").toLowerCase();
    if (name === "basic" || name === "bearer") found.push({ scheme: name, params });
  }
  return found;
}

/** The challenge to answer: a token service before a bare password. */
export const pickChallenge = (header: string | undefined): Challenge | undefined => {
  const all = parseChallenges(header);
  return all.find((one) => one.scheme === "bearer" && one.params["realm"]) ?? all.find((one) => one.scheme === "basic");
};

/** Second-level names under which strangers register: `co.uk`, `com.au`, `github.io` … */
const SHARED_SECOND_LEVEL = new Set(["ac", "co", "com", "edu", "gov", "net", "ne", "nom", "or", "org"]);
const SHARED_HOSTS = new Set([
  "amazonaws.com",
  "azurecr.io",
  "azurewebsites.net",
  "cloudfront.net",
  "fly.dev",
  "github.io",
  "gitlab.io",
  "herokuapp.com",
  "netlify.app",
  "pages.dev",
  "run.app",
  "vercel.app",
  "workers.dev",
]);

const isAddress = (host: string): boolean => host.startsWith("[") || /^[\d.]+$/.test(host);

/** What one owner registers of a host name, or the host itself where that is unknown. */
function registrable(host: string): string {
  if (isAddress(host)) return host;
  const labels = host.split(".");
  if (labels.length <= 2) return host;
  const two = labels.slice(-2).join(".");
  if (SHARED_HOSTS.has(two)) return labels.slice(-3).join(".");
  const [second, top] = labels.slice(-2) as [string, string];
  return top.length === 2 && SHARED_SECOND_LEVEL.has(second) ? labels.slice(-3).join(".") : two;
}

/**
 * May the credentials for the registry go to the token service that it announced? Only over a connection as
 * private as the registry's own, and only to the same host or one of the same registered domain.
 */
export function realmMayHaveCredentials(registry: URL, realm: URL): boolean {
  if (realm.protocol !== "https:" && registry.protocol === "https:") return false;
  if (realm.protocol !== "https:" && realm.hostname !== registry.hostname) return false;
  return realm.hostname === registry.hostname || registrable(realm.hostname) === registrable(registry.hostname);
}

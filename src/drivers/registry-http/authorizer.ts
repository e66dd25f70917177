import { createHash } from "node:crypto";
import { GantryError } from "../../base/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RegistryAuth } from "../../ports/remote-registry.ts";
import { realmMayHaveCredentials } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { complaint, lied, refusal } from "./replies.ts";
import { readAll, type Transport } from "./transport.ts";

export interface Token {
  token: string;
  /** Given at a login where the service hands out identity tokens. */
  refreshToken?: string;
}

const TOKEN_LIMIT = 1024 * 1024;
/** Seconds a token holds where the service doesn't say, and how long before its end it is renewed. */
const DEFAULT_LIFE = 60;
const MARGIN = 5;

const basic = (auth: RegistryAuth): string =>
  `Basic ${Buffer.from(`${auth.username ?? ""}:${auth.password ?? ""}`).toString("base64")}`;

const hasSecret = (auth: RegistryAuth | undefined): auth is RegistryAuth =>
  auth !== undefined && Boolean(auth.username || auth.identitytoken || auth.registrytoken);

/** Answers a registry's challenges; keeps the tokens by registry, scopes and credentials until they expire. */
export class Authorizer {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly tokens = new Map<string, { token: Promise<Token>; until: number }>();

  constructor(transport: Transport, clock: Clock) {
    this.transport = transport;
    this.clock = clock;
  }

  /**
   * The Authorization header, or undefined where none is asked for.
   * `scopes`: `repository:NAME:pull,push`. `fresh` drops a token that the registry just refused.
   */
  async header(
    endpoint: Endpoint,
    scopes: string[],
    auth: RegistryAuth | undefined,
    options: { signal?: AbortSignal | undefined; fresh?: boolean } = {},
  ): Promise<string | undefined> {
    const { challenge } = endpoint;
    if (challenge === undefined) return undefined;
    if (auth?.registrytoken) return `Bearer ${auth.registrytoken}`;
    if (challenge.scheme === "basic") {
      if (!auth?.username) throw new GantryError("unauthorized", "NO_CREDENTIALS", "no basic auth credentials");
      return basic(auth);
    }
    const identity = createHash("sha256")
      .update(JSON.stringify(auth ?? null))
      .digest("hex");
    const key = JSON.stringify([endpoint.registry, challenge.params, scopes, identity]);
    const known = this.tokens.get(key);
    if (known && !options.fresh && known.until > this.clock.now()) return `Bearer ${(await known.token).token}`;
    this.forgetExpired();
    const entry = { token: Promise.resolve({ token: "" } as Token), until: Number.POSITIVE_INFINITY };
    entry.token = this.fetchToken(endpoint, scopes, auth, { signal: options.signal }).then(
      ({ lifeSeconds, ...token }) => {
        entry.until = this.clock.now() + (lifeSeconds - MARGIN) * 1000;
        return token;
      },
    );
    this.tokens.set(key, entry);
    entry.token.catch(() => {
      if (this.tokens.get(key) === entry) this.tokens.delete(key);
    });
    return `Bearer ${(await entry.token).token}`;
  }

  /** One request to the token service that the registry named. */
  async fetchToken(
    endpoint: Endpoint,
    scopes: string[],
    auth: RegistryAuth | undefined,
    options: { signal?: AbortSignal | undefined; offline?: boolean } = {},
  ): Promise<Token & { lifeSeconds: number }> {
    const params = endpoint.challenge?.params ?? {};
    let realm: URL;
    try {
      realm = new URL(params["realm"] ?? "");
    } catch (cause) {
      throw new GantryError("invalid", "REGISTRY_LIED", `invalid token auth challenge realm: "${params["realm"]}"`, {
        cause,
      });
    }
    if (realm.protocol !== "https:" && (realm.protocol !== "http:" || !endpoint.insecure)) {
      throw lied(`refusing the token service ${realm.href}: only https is safe for it`);
    }
    const trusted = realmMayHaveCredentials(endpoint.base, realm);
    const shown = trusted && hasSecret(auth) ? auth : undefined;
    const withheld = !trusted && hasSecret(auth);
    const form = new URLSearchParams();
    if (params["service"]) form.set("service", params["service"]);
    for (const scope of scopes) form.append("scope", scope);
    const trustAnyone = endpoint.insecure && realm.hostname === endpoint.base.hostname;
    const headers: Record<string, string> = {};
    const common = { signal: options.signal, trustAnyone };
    let reply: Awaited<ReturnType<Transport["send"]>>;
    if (shown?.identitytoken) {
      form.set("grant_type", "refresh_token");
      form.set("refresh_token", shown.identitytoken);
      form.set("client_id", "docker");
      if (scopes.length > 1) form.set("scope", scopes.join(" "));
      headers["Content-Type"] = "application/x-www-form-urlencoded";
      reply = await this.transport.send({
        method: "POST",
        url: realm,
        headers,
        body: Buffer.from(form.toString()),
        ...common,
      });
    } else {
      if (shown?.username) {
        headers["Authorization"] = basic(shown);
        form.set("account", shown.username);
      }
      if (options.offline) {
        form.set("client_id", "docker");
        form.set("offline_token", "true");
      }
      const url = new URL(realm);
      for (const [name, value] of form) url.searchParams.append(name, value);
      reply = await this.transport.send({ method: "GET", url, headers, ...common });
    }
    if (reply.status !== 200) {
      throw refusal(
        await complaint(reply),
        withheld
          ? `the credentials were not sent to ${realm.host}, which is foreign to ${endpoint.registry}`
          : undefined,
      );
    }
    return parseToken(await readAll(reply.body, TOKEN_LIMIT, "the token"));
  }

  private forgetExpired(): void {
    for (const [key, { until }] of this.tokens) if (until <= this.clock.now()) this.tokens.delete(key);
  }
}

function parseToken(bytes: Buffer): Token & { lifeSeconds: number } {
  let body: { token?: unknown; access_token?: unknown; refresh_token?: unknown; expires_in?: unknown };
  try {
    body = JSON.parse(bytes.toString("utf8")) as typeof body;
  } catch (cause) {
    throw new GantryError("invalid", "REGISTRY_LIED", "unable to decode token response: not JSON", { cause });
  }
  const token = body.token || body.access_token;
  // A token goes into a header: nothing but visible characters.
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw lied("authorization server did not include a token in the response");
  }
  const life = typeof body.expires_in === "number" && body.expires_in > DEFAULT_LIFE ? body.expires_in : DEFAULT_LIFE;
  return {
    token,
    lifeSeconds: life,
    ...(typeof body.refresh_token === "string" && body.refresh_token ? { refreshToken: body.refresh_token } : {}),
  };
}

import { STATUS_CODES } from "node:http";
import { GantryError } from "../../base/errors.ts";
import type { RegistryAuth } from "../../ports/remote-registry.ts";
import type { Authorizer } from "./authorizer.ts";
import { complaint } from "./replies.ts";
import type { Session } from "./session.ts";
import { requestFailed, type Transport } from "./transport.ts";

/** `serveraddress` as clients send it: empty, a host, or an address with scheme and path. */
function registryOf(address: string | undefined): string {
  const host = (address ?? "").replace(/^[a-z]+:\/\//i, "").split("/")[0] ?? "";
  return host === "" || host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

/** Tries the credentials against `/v2/`; gives Docker's status words and, where the service has one, an identity token. */
export async function login(
  transport: Transport,
  authorizer: Authorizer,
  session: Session,
  auth: RegistryAuth,
  signal?: AbortSignal,
): Promise<{ status: string; identityToken?: string }> {
  const registry = registryOf(auth.serveraddress);
  session.forget(registry);
  const endpoint = await session.endpoint(registry, signal);
  const url = new URL("/v2/", endpoint.base);
  let identityToken: string | undefined;
  let authorization: string | undefined;
  try {
    if (endpoint.challenge?.scheme === "bearer") {
      const token = await authorizer.fetchToken(endpoint, [], auth, { signal, offline: true });
      identityToken = token.refreshToken;
      authorization = `Bearer ${token.token}`;
    } else authorization = await authorizer.header(endpoint, [], auth, { signal });
  } catch (error) {
    if (!(error instanceof GantryError) || error.kind !== "unauthorized") throw error;
    const { message } = requestFailed("GET", url, error.message);
    throw new GantryError("unauthorized", "REGISTRY_DENIED", message, { hint: error.hint, cause: error });
  }
  const reply = await transport.send({
    method: "GET",
    url,
    headers: authorization === undefined ? {} : { Authorization: authorization },
    signal,
    trustAnyone: endpoint.insecure,
  });
  if (reply.status !== 200) {
    await complaint(reply);
    const words = `login attempt to ${url.href} failed with status: ${reply.status} ${STATUS_CODES[reply.status] ?? ""}`;
    throw new GantryError("unauthorized", "REGISTRY_DENIED", words);
  }
  reply.body.resume();
  return { status: "Login Succeeded", ...(identityToken === undefined ? {} : { identityToken }) };
}

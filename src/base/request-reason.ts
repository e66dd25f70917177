import { errnoOf, messageOf } from "./errors.ts";

/** Why an HTTP request to `url` failed, in the words of Go's client. */
export function requestReason(error: unknown, url: URL): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = errnoOf(inner) ?? errnoOf(error) ?? "";
  const { address, port } = inner as { address?: string; port?: number };
  const peer = address ? `${address.includes(":") ? `[${address}]` : address}:${port}` : url.host;
  switch (code) {
    case "ENOTFOUND":
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case "EAI_AGAIN":
      return `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`;
    case "ECONNREFUSED":
      return `dial tcp ${peer}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `dial tcp ${peer}: connect: no route to host`;
    case "ENETUNREACH":
      return `dial tcp ${peer}: connect: network is unreachable`;
    case "ETIMEDOUT":
      return `dial tcp ${peer}: i/o timeout`;
    case "ECONNRESET":
      return messageOf(inner).includes("hang up") ? "EOF" : "read: connection reset by peer";
    case "EPIPE":
      return "write: broken pipe";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`;
    default:
      if (/wrong version number|packet length too long/i.test(messageOf(inner))) {
        return "http: server gave HTTP response to HTTPS client";
      }
      return messageOf(inner);
  }
}

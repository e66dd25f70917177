import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { MEDIA } from "../../../src/base/image-config.ts";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { systemClock } from "./clock.ts";

/** Self-signed for localhost and 127.0.0.1, until 2126; nothing but this test trusts it. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgz43NTn+I3DEQW/aG
HHdcMzYElFuyNhXM5rBQ7JNULtuhRANCAASfu7+P2HUWQufQO8a2/RBmNej4+FV3
bzR9fc92KM3QAUrD1sHIoXyTTm8zuu/lJPFyBHiT7GDOVGHsKzW2Wac0
-----END PRIVATE KEY-----
`;
const CERT = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUFVbS8iUvLoh2t3EBFOVSHTyv7dcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjA1MDc0MloYDzIxMjYxMDI5
MDUwNzQyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASfu7+P2HUWQufQO8a2/RBmNej4+FV3bzR9fc92KM3QAUrD1sHIoXyT
Tm8zuu/lJPFyBHiT7GDOVGHsKzW2Wac0o28wbTAdBgNVHQ4EFgQU/Zm1u5RWOquG
iG2Jtue3ZL5DxeUwHwYDVR0jBBgwFoAU/Zm1u5RWOquGiG2Jtue3ZL5DxeUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgElp0TWajaBnl2EsxGgNduXB/m2sy2lA603vDoWcECEACIBK6
+M5fCGM2r8KpXkN8jlMkNnUwyeX0cFvflJUhLVTT
-----END CERTIFICATE-----
`;

describe("a registry over TLS", () => {
  const manifest = Buffer.from("{}");
  const answer: http.RequestListener = (request, response) => {
    if (request.url === "/v2/") response.end("{}");
    else response.setHeader("Content-Type", MEDIA.ociManifest).end(manifest);
  };
  const tls = https.createServer({ key: KEY, cert: CERT }, answer);
  const plain = http.createServer(answer);
  const host = (server: http.Server | https.Server, name = "127.0.0.1"): string =>
    `${name}:${(server.address() as AddressInfo).port}`;
  const clients: HttpRegistry[] = [];
  const client = (options: { ca?: string; insecureRegistries?: string[] } = {}): HttpRegistry => {
    const made = new HttpRegistry({ clock: systemClock, idleTimeoutMs: 2000, ...options });
    clients.push(made);
    return made;
  };
  before(async () => {
    for (const server of [tls, plain])
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    for (const made of clients) made.close();
    for (const server of [tls, plain]) {
      server.close();
      server.closeAllConnections();
    }
  });

  it("on loopback is found by itself, whoever signed it", async () => {
    const found = await client().getManifest({ registry: host(tls), repository: "x" }, "y", {});
    assert.ok(found.bytes.equals(manifest));
  });

  it("elsewhere must be signed by a known authority", async () => {
    // A name that is not loopback to the client but leads there all the same.
    const registry = host(tls, "0.0.0.0");
    await assert.rejects(client().getManifest({ registry, repository: "x" }, "y", {}), {
      kind: "unavailable",
      message: `Get "https://${registry}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    });
    await assert.rejects(
      client({ ca: CERT }).getManifest({ registry, repository: "x" }, "y", {}),
      /x509: certificate is not valid for 0\.0\.0\.0/,
    );
    await client({ insecureRegistries: ["0.0.0.0/32"] }).getManifest({ registry, repository: "x" }, "y", {});
  });

  it("is not replaced by plain HTTP unless that is configured", async () => {
    const registry = host(plain, "0.0.0.0");
    await assert.rejects(client().getManifest({ registry, repository: "x" }, "y", {}), {
      message: `Get "https://${registry}/v2/": http: server gave HTTP response to HTTPS client`,
    });
    await client({ insecureRegistries: [registry] }).getManifest({ registry, repository: "x" }, "y", {});
  });
});

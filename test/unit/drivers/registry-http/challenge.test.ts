import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  parseChallenges,
  pickChallenge,
  realmMayHaveCredentials,
} from "../../../../src/drivers/registry-http/challenge.ts";
import { InsecureList, isLoopback } from "../../../../src/drivers/registry-http/endpoint.ts";

describe("a registry's challenge", () => {
  it("is read with quotes, commas in values and several schemes", () => {
    const header =
      'Bearer realm="https://a/token",service="s",scope="repository:x:pull,push", Basic realm="say \\"hi\\""';
    assert.deepEqual(parseChallenges(header), [
      { scheme: "bearer", params: { realm: "https://a/token", service: "s", scope: "repository:x:pull,push" } },
      { scheme: "basic", params: { realm: 'say "hi"' } },
    ]);
    assert.equal(pickChallenge('Basic realm="x", Bearer realm=https://a/t')?.scheme, "bearer");
    assert.equal(pickChallenge("Negotiate")?.scheme, undefined);
    assert.deepEqual(parseChallenges("=,=;"), []);
    assert.equal(pickChallenge(undefined), undefined);
  });

  it("gets credentials only for its own domain, and not over a weaker connection", () => {
    const may = (registry: string, realm: string): boolean =>
      realmMayHaveCredentials(new URL(registry), new URL(realm));
    assert.ok(may("https://registry-1.docker.io", "https://auth.docker.io/token"));
    assert.ok(may("https://registry.gitlab.com", "https://gitlab.com/jwt/auth"));
    assert.ok(may("https://ghcr.io", "https://ghcr.io/token"));
    assert.ok(may("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"));
    assert.ok(!may("https://registry.example.com", "https://evil.org/token"));
    assert.ok(!may("https://registry.example.com", "http://registry.example.com/token"));
    assert.ok(!may("https://good.co.uk", "https://evil.co.uk/token"));
    assert.ok(!may("https://mine.azurecr.io", "https://theirs.azurecr.io/token"));
    assert.ok(!may("http://10.0.0.1:5000", "http://10.0.0.2/token"));
    assert.ok(!may("https://10.0.0.1", "https://10.1.0.1/token"));
  });
});

describe("plain HTTP", () => {
  it("is for loopback and what is configured", () => {
    for (const host of ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"])
      assert.ok(isLoopback(host), host);
    for (const host of ["docker.io", "127.evil.com", "localhost.evil.com", "128.0.0.1"])
      assert.ok(!isLoopback(host), host);
    const list = new InsecureList(["10.0.0.0/8", "registry.lan:5000", "fd00::/8"]);
    for (const host of ["10.1.2.3:5000", "registry.lan:5000", "[fd00::1]"]) assert.ok(list.has(host), host);
    for (const host of ["11.0.0.1", "registry.lan", "registry.lan:5001"]) assert.ok(!list.has(host), host);
  });
});

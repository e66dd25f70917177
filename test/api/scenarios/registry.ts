import assert from "node:assert/strict";
import { it } from "node:test";
import type { Asker, Body } from "../../support/api-asker.ts";

/** What a registry answers, through the engine. `host`: one that wants a password. */
export function registryOperations(api: Asker, host: () => string): void {
  const right = { username: "gantry", password: "secret" };
  const header = (auth: object): Record<string, string> => ({
    "X-Registry-Auth": Buffer.from(JSON.stringify({ ...auth, serveraddress: host() })).toString("base64url"),
  });

  it("login, push, pull and distribution", async () => {
    const said = await api.ask(200, "POST", "/auth", {}, { ...right, serveraddress: host() });
    assert.equal(said["Status"], "Login Succeeded");
    await api.ask(401, "POST", "/auth", {}, { ...right, password: "wrong", serveraddress: host() });
    const name = `${host()}/team/tool`;
    await api.ask(201, "POST", "/images/{name}/tag", { name: "busybox", repo: name, tag: "1" });
    const pushed = await api.ask<string>(
      200,
      "POST",
      "/images/{name}/push",
      { name, tag: "1" },
      undefined,
      header(right),
    );
    assert.match(JSON.stringify(pushed), /The push refers to repository/);
    const found = await api.ask<{ Descriptor: Body; Platforms: Body[] }>(
      200,
      "GET",
      "/distribution/{name}/json",
      { name: `${name}:1` },
      undefined,
      header(right),
    );
    assert.match(String(found.Descriptor["digest"]), /^sha256:[0-9a-f]{64}$/);
    assert.equal(found.Platforms[0]?.["os"], "linux");
    await api.ask(401, "GET", "/distribution/{name}/json", { name: `${name}:1` });
    await api.ask(200, "POST", "/images/create", { fromImage: name, tag: "1" }, undefined, header(right));
    await api.ask(404, "POST", "/images/create", { fromImage: name, tag: "2" }, undefined, header(right));
    await api.ask(500, "POST", "/images/create", { fromImage: name, tag: "1" });
    await api.ask(200, "DELETE", "/images/{name}", { name: `${name}:1` });
  });
}

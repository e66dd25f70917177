import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { freePort } from "../drivers/registry-http/docker-registry.ts";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

/** The API over TCP: certificates both ways, and nothing for web pages. */
describe("the API over TLS", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-tls-"));
  const file = (name: string): string => path.join(folder, name);
  let engine: TestEngine;
  let port: number;

  const openssl = async (...args: string[]): Promise<void> => {
    const ran = await run("openssl", args, { env: process.env });
    assert.equal(ran.code, 0, ran.stderr);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = (name: string): Promise<void> =>
    openssl(
      "req",
      "-x509",
      ...key,
      "-subj",
      `/CN=${name}`,
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.pem`),
    );
  const certificate = async (name: string, by: string, extension: string): Promise<void> => {
    const csr = file(`${name}.csr`);
    await openssl(
      "req",
      ...key,
      "-subj",
      `/CN=${name}`,
      "-addext",
      extension,
      "-keyout",
      file(`${name}.key`),
      "-out",
      csr,
    );
    const signed = [
      "-CA",
      file(`${by}.pem`),
      "-CAkey",
      file(`${by}.key`),
      "-CAcreateserial",
      "-copy_extensions",
      "copy",
    ];
    await openssl("x509", "-req", "-in", csr, ...signed, "-out", file(`${name}.pem`));
  };

  before(async () => {
    await authority("ca");
    await authority("stranger");
    await certificate("server", "ca", "subjectAltName=DNS:engine.test,IP:127.0.0.1");
    await certificate("client", "ca", "extendedKeyUsage=clientAuth");
    await certificate("foreign", "stranger", "extendedKeyUsage=clientAuth");
    port = await freePort();
    const pems = ["--tlscacert", file("ca.pem"), "--tlscert", file("server.pem"), "--tlskey", file("server.key")];
    engine = await TestEngine.start({ flags: ["-H", `tcp://127.0.0.1:${port}`, ...pems] });
  });
  after(async () => {
    await engine.end();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const over = (program: string, who: string, ...args: string[]): Promise<Ran> => {
    const pems = ["--tlscacert", file("ca.pem"), "--tlscert", file(`${who}.pem`), "--tlskey", file(`${who}.key`)];
    return run(program, ["-H", `tcp://127.0.0.1:${port}`, "--tlsverify", ...pems, ...args], {
      env: { PATH: process.env["PATH"], HOME: folder },
    });
  };

  it("serves clients with a certificate, streams included", async () => {
    for (const program of ["docker", GANTRY]) {
      const ran = await over(program, "client", "run", "--rm", "busybox", "echo", "over tls");
      assert.deepEqual([ran.stdout, ran.code], ["over tls\n", 0], ran.stderr);
    }
  });

  it("serves contexts that hold the certificates, whoever made them", async () => {
    const docker = `host=tcp://127.0.0.1:${port},ca=${file("ca.pem")},cert=${file("client.pem")},key=${file("client.key")}`;
    const env = { PATH: process.env["PATH"], HOME: folder };
    for (const [maker, user] of [
      ["docker", GANTRY],
      [GANTRY, "docker"],
    ] as const) {
      const name = `tls-${path.basename(maker)}`;
      const made = await run(maker, ["context", "create", name, "--docker", docker], { env });
      assert.equal(made.code, 0, made.stderr);
      const ran = await run(user, ["-c", name, "run", "--rm", "busybox", "echo", name], { env });
      assert.deepEqual([ran.stdout, ran.code], [`${name}\n`, 0], ran.stderr);
    }
    const blind = ["--docker", `host=tcp://127.0.0.1:${port}`];
    assert.equal((await run(GANTRY, ["context", "create", "blind", ...blind], { env })).code, 0);
    assert.notEqual((await run(GANTRY, ["-c", "blind", "ps"], { env })).code, 0);
  });

  it("refuses those without, and those of another authority", async () => {
    const foreign = await over("docker", "foreign", "ps");
    assert.notEqual(foreign.code, 0);
    assert.match(foreign.stderr, /tls|certificate/i);
    const bare = https.get({ host: "127.0.0.1", port, ca: fs.readFileSync(file("ca.pem")), path: "/_ping" });
    const [error] = (await once(bare, "error")) as [Error];
    assert.match(error.message, /certificate required|alert/i);
  });

  const status = (headers: Record<string, string>, method = "GET"): Promise<number> =>
    new Promise((resolve, reject) => {
      const pems = {
        ca: fs.readFileSync(file("ca.pem")),
        cert: fs.readFileSync(file("client.pem")),
        checkServerIdentity: () => undefined,
      };
      https
        .request(
          {
            host: "127.0.0.1",
            port,
            path: "/_ping",
            method,
            headers,
            ...pems,
            key: fs.readFileSync(file("client.key")),
          },
          (response) => resolve(response.resume().statusCode ?? 0),
        )
        .on("error", reject)
        .end();
    });

  it("knows its own names and no other: a web page whose name points here gets 403", async () => {
    for (const host of ["127.0.0.1", `127.0.0.1:${port}`, "localhost", "engine.test:2376", "ENGINE.test", "[::1]:1"]) {
      assert.equal(await status({ Host: host }), 200, host);
    }
    for (const host of ["evil.example", "engine.test.evil.example", "evil.example:2376", "a@127.0.0.1", "["]) {
      assert.equal(await status({ Host: host }), 403, host);
    }
  });

  it("answers pages of its own address only", async () => {
    const Host = `127.0.0.1:${port}`;
    assert.equal(await status({ Host, Origin: `https://${Host}` }), 200);
    for (const Origin of ["https://evil.example", "null", "http://127.0.0.1:1", `https://${Host}.evil.example`]) {
      assert.equal(await status({ Host, Origin }), 403, Origin);
      assert.equal(await status({ Host, Origin }, "HEAD"), 403, Origin);
    }
  });
});

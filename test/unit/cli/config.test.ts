import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { beforeEach, afterEach, test } from "node:test";
import type { Context } from "../../../src/cli/command.ts";
import { changeConfig, type ConfigFile, proxyVariables, readConfig } from "../../../src/cli/config/file.ts";
import { allCredentials, credentialsFor, eraseCredentials, storeCredentials } from "../../../src/cli/credentials.ts";
import { runProgram } from "../../../src/drivers/process/programs.ts";

let folder: string;
let said: string[];
const home = process.env["PATH"];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-config-"));
  said = [];
});
afterEach(() => {
  process.env["PATH"] = home;
  fs.rmSync(folder, { recursive: true, force: true });
});

const around = (): Context => {
  const place = {
    configDir: path.join(folder, "conf"),
    err: { isTTY: false, write: (data: unknown) => void said.push(String(data)) },
  };
  const programs = async () => ({ run: runProgram, connect: () => Promise.reject(new Error("none")) });
  return { ...place, config: () => readConfig(place), programs } as unknown as Context;
};
const file = (): string => path.join(folder, "conf/config.json");
const write = (config: ConfigFile & Record<string, unknown>): void => {
  fs.mkdirSync(path.dirname(file()), { recursive: true });
  fs.writeFileSync(file(), JSON.stringify(config));
};

/** A docker-credential-NAME that keeps one line a server in a file. */
function makeHelper(name: string): string {
  const kept = path.join(folder, `${name}.json`);
  const script = `#!${process.execPath}
const fs = require("node:fs");
const kept = fs.existsSync(${JSON.stringify(kept)}) ? JSON.parse(fs.readFileSync(${JSON.stringify(kept)}, "utf8")) : {};
const input = fs.readFileSync(0, "utf8").trim();
const verb = process.argv[2];
if (verb === "store") { const one = JSON.parse(input); kept[one.ServerURL] = one; }
else if (verb === "erase") delete kept[input];
else if (verb === "list") console.log(JSON.stringify(Object.fromEntries(Object.values(kept).map((one) => [one.ServerURL, one.Username]))));
else if (kept[input] === undefined) { console.log("credentials not found in native keychain"); process.exit(1); }
else console.log(JSON.stringify(kept[input]));
fs.writeFileSync(${JSON.stringify(kept)}, JSON.stringify(kept));
`;
  fs.writeFileSync(path.join(folder, `docker-credential-${name}`), script, { mode: 0o755 });
  process.env["PATH"] = `${folder}:${home}`;
  return kept;
}

test("credentials are kept for their owner alone, and found again by any spelling of the registry", async () => {
  const context = around();
  assert.equal(await storeCredentials(context, "localhost:5000", { username: "me", password: "a:b" }), file());
  assert.equal(fs.statSync(file()).mode & 0o777, 0o600);
  assert.equal((await credentialsFor(context, "localhost:5000")).password, "a:b");
  assert.equal(Object.keys(await allCredentials(context)).length, 1);
  assert.deepEqual(await credentialsFor(context, "docker.io"), {});
  write({ auths: { "https://localhost:5000/v2/": { auth: "bWU6eA==" } }, other: 1 });
  assert.equal((await credentialsFor(context, "localhost:5000")).username, "me");
  assert.equal(await eraseCredentials(context, "localhost:5000"), true);
  assert.deepEqual(JSON.parse(fs.readFileSync(file(), "utf8")), { auths: {}, other: 1 });
  assert.equal(await eraseCredentials(context, "localhost:5000"), false);
});

test("a helper keeps what config.json then does not", async () => {
  const kept = makeHelper("box");
  write({ credsStore: "box", psFormat: "x" });
  const context = around();
  assert.deepEqual(await credentialsFor(context, "ghcr.io"), {});
  assert.equal(await storeCredentials(context, "ghcr.io", { username: "me", password: "p" }), undefined);
  assert.deepEqual(JSON.parse(fs.readFileSync(file(), "utf8")), {
    credsStore: "box",
    psFormat: "x",
    auths: { "ghcr.io": {} },
  });
  assert.deepEqual(JSON.parse(fs.readFileSync(kept, "utf8")), {
    "ghcr.io": { ServerURL: "ghcr.io", Username: "me", Secret: "p" },
  });
  assert.deepEqual(await credentialsFor(context, "ghcr.io"), {
    serveraddress: "ghcr.io",
    username: "me",
    password: "p",
  });
  await storeCredentials(context, "tok.io", { username: "me", password: "", identitytoken: "abc" });
  assert.deepEqual(await allCredentials(context), {
    "ghcr.io": { serveraddress: "ghcr.io", username: "me", password: "p" },
    "tok.io": { serveraddress: "tok.io", identitytoken: "abc" },
  });
  assert.equal(await eraseCredentials(context, "ghcr.io"), true);
  assert.deepEqual(Object.keys(JSON.parse(fs.readFileSync(kept, "utf8")) as object), ["tok.io"]);
  assert.deepEqual(said, []);
});

test("credHelpers serve their registries, the store and the file all others", async () => {
  makeHelper("box");
  write({ credHelpers: { "own.io": "box" }, auths: { "plain.io": { auth: "YTpi" } } });
  const context = around();
  await storeCredentials(context, "own.io", { username: "o", password: "1" });
  assert.equal((await credentialsFor(context, "own.io")).username, "o");
  assert.equal((await credentialsFor(context, "plain.io")).username, "a");
  assert.deepEqual(Object.keys(await allCredentials(context)).toSorted(), ["own.io", "plain.io"]);
});

test("a helper that is not there is said, and nothing is sent", async () => {
  write({ credsStore: "nowhere" });
  assert.deepEqual(await credentialsFor(around(), "ghcr.io"), {});
  assert.match(
    said.join(""),
    /^WARNING: error getting credentials - err: exec: "docker-credential-nowhere": executable file not found in \$PATH: going on without credentials\n$/,
  );
  await assert.rejects(
    storeCredentials(around(), "ghcr.io", { username: "a", password: "b" }),
    /executable file not found/,
  );
});

test("a broken config.json is said and never written over; a link stays one", () => {
  const context = around();
  fs.mkdirSync(path.dirname(file()));
  fs.writeFileSync(file(), "{ not json");
  assert.deepEqual(context.config(), {});
  assert.match(said.join(""), /^WARNING: Error loading config file: /);
  assert.throws(() => changeConfig(context, () => ({ currentContext: "x" })));
  assert.equal(fs.readFileSync(file(), "utf8"), "{ not json");
  const real = path.join(folder, "real.json");
  fs.writeFileSync(real, "");
  fs.rmSync(file());
  fs.symlinkSync(real, file());
  changeConfig(context, () => ({ currentContext: "x" }));
  assert.equal(fs.lstatSync(file()).isSymbolicLink(), true);
  assert.deepEqual(JSON.parse(fs.readFileSync(real, "utf8")), { currentContext: "x" });
  changeConfig(context, () => ({ currentContext: undefined }));
  assert.deepEqual(JSON.parse(fs.readFileSync(real, "utf8")), {});
  assert.deepEqual(fs.readdirSync(folder).toSorted(), ["conf", "real.json"]);
});

test("proxies by the engine's address, in both cases of their names", () => {
  const config = {
    proxies: { default: { httpProxy: "http://d" }, "tcp://h:1": { httpsProxy: "http://s", noProxy: "x" } },
  };
  assert.deepEqual(proxyVariables(config, "unix:///a"), [
    ["HTTP_PROXY", "http://d"],
    ["http_proxy", "http://d"],
  ]);
  assert.deepEqual(
    proxyVariables(config, "tcp://h:1").map(([name]) => name),
    ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"],
  );
  assert.deepEqual(proxyVariables({}, "x"), []);
});

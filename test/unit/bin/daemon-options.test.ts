import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type DaemonOptions, readDaemonOptions } from "../../../src/bin/daemon-options.ts";

let folder = "";
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-options-"));
});
after(() => fs.rmSync(folder, { recursive: true }));

const read = (file: unknown, ...argv: string[]): DaemonOptions => {
  const name = path.join(folder, "daemon.json");
  fs.writeFileSync(name, typeof file === "string" ? file : JSON.stringify(file));
  return readDaemonOptions(["--config-file", name, ...argv]) as DaemonOptions;
};

describe("gantryd's options", () => {
  it("have defaults", () => {
    assert.deepEqual(read(""), {
      dataRoot: "/var/lib/gantry",
      execRoot: "/run/gantry",
      hosts: ["unix:///run/gantry.sock"],
      bridge: "gantry0",
      pidfile: "/run/gantry/gantryd.pid",
      logLevel: "info",
      logs: { driver: "json-file", options: {} },
      insecureRegistries: [],
      labels: [],
      experimental: false,
      cdiSpecDirs: ["/etc/cdi", "/var/run/cdi"],
      init: false,
      ipv6: false,
      icc: true,
      pluginDirs: ["/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins"],
      publishedPorts: "open",
    });
  });

  it("say whom published ports let in", () => {
    assert.equal(read({ "published-ports": "host-rules" }).publishedPorts, "host-rules");
    assert.equal(read("", "--published-ports=open").publishedPorts, "open");
    assert.throws(() => read("", "--published-ports=ufw"), /invalid --published-ports "ufw"/);
  });

  it("bound the RUNs of builds by a number from 1", () => {
    assert.equal(read({ "build-parallelism": 3 }).buildParallelism, 3);
    assert.equal(read("", "--build-parallelism", "8").buildParallelism, 8);
    assert.throws(() => read("", "--build-parallelism", "0"), /invalid build-parallelism "0"/);
    assert.throws(() => read({ "build-parallelism": 1 }, "--build-parallelism", "2"), /both as a flag and in the/);
  });

  it("come from the file or the flags", () => {
    const options = read(
      { "data-root": "/d", hosts: ["unix:///h"], "default-address-pools": [{ base: "10.0.0.0/8", size: 24 }] },
      ...["--exec-root", "/e", "--insecure-registry", "a:5000", "--insecure-registry", "b:5000", "-l", "debug"],
    );
    assert.equal(options.dataRoot, "/d");
    assert.deepEqual(options.hosts, ["unix:///h"]);
    assert.equal(options.pidfile, "/e/gantryd.pid");
    assert.deepEqual(options.addressPools, [{ base: "10.0.0.0/8", size: 24 }]);
    assert.deepEqual(options.insecureRegistries, ["a:5000", "b:5000"]);
    assert.equal(read({ "userns-remap": "default" }).usernsRemap, "default");
    assert.equal(read({}, "--userns-remap", "1000:1000").usernsRemap, "1000:1000");
    assert.throws(() => read({ "userns-remap": "a" }, "--userns-remap", "b"), /both as a flag and in the conf/);
    const pools = read("{}", "--default-address-pool", "base=10.1.0.0/16,size=26").addressPools;
    assert.deepEqual(pools, [{ base: "10.1.0.0/16", size: 26 }]);
  });

  it("let containers reach one another unless told otherwise", () => {
    assert.equal(read({}, "--icc=false").icc, false);
    assert.equal(read({ icc: false }).icc, false);
    assert.equal(read({}, "--icc").icc, true);
    assert.throws(() => read({}, "--icc=perhaps"), /true or false is expected/);
    assert.throws(() => read({ icc: true }, "--icc=false"), /both as a flag and in the conf/);
  });

  it("are refused when they are in both places", () => {
    assert.throws(() => read({ bip: "10.0.0.1/24" }, "--bip", "10.0.1.1/24"), {
      message: "the following directives are specified both as a flag and in the configuration file: bip",
    });
  });

  it("are refused when they make no sense, with a word on what would", () => {
    assert.throws(() => read({ "storage-driver": "zfs", debug: true }), {
      message: "the following directives don't match any configuration option: storage-driver, debug",
    });
    assert.throws(() => read("[1]"), /an object is expected/);
    assert.throws(() => read("{"), /unable to configure the engine with file .*daemon\.json/);
    assert.throws(() => read({ "log-level": 3 }), /"log-level" must be a string/);
    assert.throws(() => read({ hosts: "unix:///x" }), /"hosts" must be a list of strings/);
    assert.throws(() => read({ "default-address-pools": [{ base: "10.0.0.0/8" }] }), /must be a list like/);
    assert.throws(() => read("{}", "--log-level", "loud"), /invalid logging level: loud/);
    assert.throws(() => read("{}", "--bridge", "a name that is far too long"), /invalid bridge name/);
    assert.throws(() => read("{}", "-H", "fd://"), /invalid host "fd:\/\/"/);
    assert.throws(() => read("{}", "--default-address-pool", "10.0.0.0/8"), /invalid address pool/);
    assert.throws(() => read("{}", "--nosuch"), /Unknown option '--nosuch'/);
    assert.throws(() => readDaemonOptions(["--config-file", path.join(folder, "missing")]), /ENOENT/);
  });

  it("never open a TCP port without TLS", () => {
    assert.throws(() => read("{}", "-H", "tcp://0.0.0.0:2375"), /refusing to listen on .* without TLS/);
    const tls = ["--tlscacert", "ca", "--tlscert", "cert", "--tlskey", "key"];
    assert.deepEqual(read("{}", "-H", "tcp://0.0.0.0:2376", ...tls).tls, { ca: "ca", cert: "cert", key: "key" });
    assert.throws(() => read("{}", "-H", "tcp://0.0.0.0:2376", ...tls.slice(2)), /without TLS/);
  });
});

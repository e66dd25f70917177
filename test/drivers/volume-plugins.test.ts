import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { DiscoveredPlugins } from "../../src/drivers/volume-plugins/discovered-plugins.ts";
import { scratch } from "../support/scratch.ts";
import { TestVolumePlugin } from "../support/volume-plugin.ts";

const dir = scratch("plugins");
const folders = ["sockets", "etc", "lib"].map((name) => path.join(dir.path, name));
const [sockets = "", etc = ""] = folders;
const TIMES = { asking: 300, removing: 300, making: 300, handshake: 1000, comingUp: 600 };
const plugins = (): DiscoveredPlugins => new DiscoveredPlugins(folders, TIMES);
const shelf = new TestVolumePlugin("shelf", sockets, dir.sub("shelves"));

before(() => shelf.start());
after(async () => {
  await shelf.kill();
  dir[Symbol.dispose]();
});

/** A plugin that answers each call with the same text. */
async function listening(
  socket: string,
  answer: (url: string) => { status?: number; text: string },
): Promise<net.Server> {
  const server = http.createServer((request, response) => {
    const { status = 200, text } = answer(request.url ?? "");
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => void server.listen(socket, resolve));
  return server;
}

describe("volume plugins", () => {
  it("are found by their socket or specification, in their own folder too", async () => {
    fs.mkdirSync(path.join(etc, "nested"), { recursive: true });
    fs.writeFileSync(path.join(etc, "written.spec"), `unix://${shelf.socket}\n`);
    fs.writeFileSync(
      path.join(etc, "nested/nested.json"),
      JSON.stringify({ Name: "x", Addr: `unix://${shelf.socket}` }),
    );
    fs.writeFileSync(path.join(etc, "not a name.spec"), "unix:///x");
    fs.writeFileSync(path.join(etc, "README"), "");
    const { plugins: found, failures } = await plugins().all();
    assert.deepEqual(
      found.map(({ name }) => name),
      ["nested", "shelf", "written"],
    );
    assert.deepEqual(failures, []);
    const nested = await plugins().find("nested:latest", "none");
    await nested.create("v1", { a: "b" });
    assert.equal(nested.scope, "global");
    assert.equal((await nested.get("v1"))?.mountpoint, path.join(shelf.folder, "volumes/v1"));
    assert.equal(await nested.get("v2"), undefined);
    assert.deepEqual(await nested.list(), [{ name: "v1", mountpoint: path.join(shelf.folder, "volumes/v1") }]);
    await nested.remove("v1");
    for (const name of ["nosuch", "../shelf", "a/b", ""]) {
      await assert.rejects(plugins().find(name, "if-present"), { kind: "notFound", code: "NO_SUCH_DRIVER" }, name);
    }
    fs.writeFileSync(path.join(etc, "wrong.spec"), "ftp://x");
    await assert.rejects(plugins().find("wrong", "none"), {
      code: "BAD_PLUGIN_SPEC",
      message: /unknown address "ftp:\/\/x"/,
    });
    fs.rmSync(etc, { recursive: true });
  });

  it("are greeted once, and again when they were away", async () => {
    const own = new DiscoveredPlugins(folders, { ...TIMES, comingUp: 10_000 });
    shelf.calls();
    await own.find("shelf", "none");
    await Promise.all([own.find("shelf", "none"), own.all()]);
    const greetings = (): string[] => shelf.calls().filter((line) => line.startsWith("Plugin"));
    assert.deepEqual(greetings(), ["Plugin.Activate"]);
    const plugin = await own.find("shelf", "none");
    await shelf.kill();
    await assert.rejects(plugin.list(), { kind: "unavailable", code: "PLUGIN_UNREACHABLE" });
    await assert.rejects(own.find("shelf", "none"), { code: "PLUGIN_UNREACHABLE" });
    const coming = own.find("shelf", "if-present");
    await shelf.start();
    await coming;
    assert.deepEqual(greetings(), ["Plugin.Activate"]);
  });

  it("that come up late are waited for, those that nobody has heard of only on request", async () => {
    const late = new TestVolumePlugin("late", sockets, dir.sub("late"));
    const own = new DiscoveredPlugins(folders, { ...TIMES, comingUp: 10_000 });
    await assert.rejects(own.find("late", "if-present"), { code: "NO_SUCH_DRIVER" });
    const coming = own.find("late", "full");
    late.begin();
    assert.equal((await coming).name, "late");
    await late.kill();
    fs.rmSync(late.socket);
    const began = performance.now();
    await assert.rejects(plugins().find("never", "full"), { code: "NO_SUCH_DRIVER" });
    assert.ok(performance.now() - began < 5000);
  });

  it("that never answer are given up after a time", async () => {
    const own = plugins();
    const plugin = await own.find("shelf", "none");
    shelf.hangs("VolumeDriver.Mount", "VolumeDriver.Get", "VolumeDriver.List");
    try {
      const message = 'plugin "shelf" has not answered VolumeDriver.Mount within 0.3 s';
      await assert.rejects(plugin.mount("v1", "c1"), { kind: "deadline", code: "PLUGIN_TIMEOUT", message });
      await assert.rejects(plugin.get("v1"), { code: "PLUGIN_TIMEOUT" });
      await assert.rejects(plugin.list(), { code: "PLUGIN_TIMEOUT" });
      shelf.hangs("Plugin.Activate");
      const { failures } = await plugins().all();
      assert.deepEqual(
        failures.map(({ name }) => name),
        ["shelf"],
      );
    } finally {
      shelf.hangs();
    }
  });

  it("that answer nonsense, or are of another kind, are told so", async () => {
    const activate = JSON.stringify({ Implements: ["VolumeDriver"] });
    let answer: { status?: number; text: string } = { text: activate };
    const server = await listening(path.join(sockets, "odd.sock"), (url) =>
      url === "/Plugin.Activate" ? { text: activate } : answer,
    );
    const other = await listening(path.join(sockets, "net.sock"), () => ({ text: '{"Implements":["NetworkDriver"]}' }));
    try {
      answer = { status: 404, text: "404 page not found\n" };
      const plugin = await plugins().find("odd", "none");
      assert.equal(plugin.scope, "local", "for those without capabilities");
      await assert.rejects(plugin.list(), { code: "PLUGIN_FAILED", message: "VolumeDriver.List: 404 page not found" });
      answer = { status: 500, text: '{"Err":"disk on fire"}' };
      await assert.rejects(plugin.remove("v1"), { message: "VolumeDriver.Remove: disk on fire" });
      answer = { text: '{"Err":"disk on fire"}' };
      await assert.rejects(plugin.create("v1", {}), { code: "PLUGIN_FAILED", message: "disk on fire" });
      answer = { text: "<html>" };
      await assert.rejects(plugin.list(), { message: /the plugin's answer is no JSON object: <html>/ });
      answer = { text: '{"Volumes":[{"Name":7},null,{"Name":"good"}]}' };
      assert.deepEqual(await plugin.list(), [{ name: "good", mountpoint: "" }]);
      for (const text of ["{}", '{"Mountpoint":"relative"}', '{"Mountpoint":7}']) {
        answer = { text };
        await assert.rejects(plugin.mount("v1", "c1"), { message: /gave no folder for the volume/ });
      }
      await assert.rejects(plugins().find("net", "none"), {
        code: "NO_SUCH_DRIVER",
        message: "error looking up volume plugin net: plugin does not implement the requested driver",
      });
    } finally {
      server.close();
      other.close();
    }
  });
});

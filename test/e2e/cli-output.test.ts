import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";

/** What both clients print of one engine: formats, filters, exit codes. */
describe("gantry's words beside docker's", () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start();
    await engine.ok(
      "run",
      "-d",
      "--name",
      "aa",
      "-p",
      "127.0.0.1::80",
      "-v",
      "vol:/v",
      "--label",
      "x=1",
      "busybox",
      "sleep",
      "1000",
    );
    await engine.ok("run", "--name", "b2", "busybox", "true");
    await engine.ok("tag", "busybox", "other:two");
    await engine.ok("network", "create", "n1");
  });
  after(() => engine.end());

  const LINES = [
    ["ps", "-a", "--format", "json"],
    ["ps", "-a", "--format", "{{json .}}"],
    ["ps", "-a", "--format", "{{json .Names}}"],
    ["ps", "-a", "--format", 'table {{.Names}}\\t{{.Label "x"}}'],
    ["ps", "--last", "1", "--no-trunc", "--format", "{{.ID}}"],
    ["ps", "--format", "table {{.Nope}}"],
    ["ps", "--filter", "nope=1"],
    ["ps", "-a", "--filter", "status=exited", "--format", "{{.Names}}"],
    ["ps", "-a", "--filter", "volume=vol", "--filter", "label=x", "--format", "{{.Names}}"],
    ["images", "busybox", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}"],
    ["images", "-q"],
    ["images", "-f", "nope=1"],
    ["images", "--filter", "reference=o*"],
    ["network", "ls", "--format", "json"],
    ["network", "ls", "--format", "{{json .}}", "--no-trunc"],
    ["network", "ls", "-f", "driver=bridge", "-q", "--no-trunc"],
    ["network", "ls", "-f", "nope=1"],
    ["volume", "ls", "--format", "json"],
    ["volume", "ls", "-f", "dangling=false", "--format", "{{json .}}"],
    ["volume", "ls", "-f", "nope=1"],
    ["system", "df"],
    ["system", "df", "--format", "json"],
    ["system", "df", "--format", "{{json .}}"],
    ["system", "df", "--format", "table {{.Type}}\\t{{.Size}}"],
    ["system", "df", "-v"],
    ["system", "df", "-v", "--format", "json"],
    ["system", "df", "-v", "--format", "{{json .}}"],
    ["system", "df", "-v", "--format", "{{range .Images}}{{.Repository}} {{end}}"],
    ["history", "busybox", "--format", "json"],
    ["history", "busybox", "--format", "{{json .}}", "--no-trunc"],
    ["stats", "--no-stream", "--format", "{{.Name}}"],
    ["info", "--format", "{{json .Plugins}}"],
    ["version", "--format", "{{json .Server}}"],
    ["version", "--format", "{{.Server.APIVersion}} {{.Client.Context}}"],
    ["inspect", "aa", "--format", "json"],
    ["inspect", "aa", "--format", "{{json .State}}"],
    ["container", "inspect", "aa", "b2", "--format", "{{.Name}}"],
    ["network", "inspect", "n1", "--format", "json"],
    ["volume", "inspect", "vol"],
    ["image", "inspect", "busybox", "nope"],
    ["events", "--since", "1h", "--until", "0s", "--format", "json"],
    ["events", "--since", "1h", "--until", "0s", "--format", "{{json .}}"],
    ["events", "--since", "1h", "--until", "0s", "--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}"],
    ["events", "--since", "1h", "--until", "0s", "--filter", "event=start"],
    ["search", "foo"],
    ["container", "prune", "-f", "--filter", "nope=1"],
    ["top", "aa"],
    ["port", "aa"],
    ["diff", "aa"],
  ];

  /** Ages grow between two looks. */
  const still = (text: string): string =>
    text.replace(/(?:About an?|Less than a|\d+) (?:second|minute)s?(?: ago)?/g, "T").replace(/ {2,}/g, "  ");

  it("is the same on stdout, with the same exit code", async () => {
    const differing: unknown[] = [];
    for (const line of LINES) {
      const [docker, gantry] = await Promise.all([engine.docker(...line), engine.gantry(...line)]);
      const [theirs, ours] = [docker, gantry].map(({ code, stdout }) => `${code} ${still(stdout)}`);
      if (theirs !== ours) differing.push([line.join(" "), theirs, ours]);
    }
    assert.deepEqual(differing, []);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DetachFilter, parseDetachKeys } from "../../../../src/engine/containers/attach.ts";
import { renderHosts } from "../../../../src/engine/containers/etc-files.ts";
import { nextHealth, probeOf } from "../../../../src/engine/containers/health.ts";
import { hasLabel, listContainers } from "../../../../src/engine/containers/list.ts";
import { mergeConfig } from "../../../../src/engine/containers/merge-config.ts";
import { planRecovery } from "../../../../src/engine/containers/reconcile.ts";
import type { ContainerRecord } from "../../../../src/engine/containers/record.ts";
import { decideBoot, decideRestart, nextDelay } from "../../../../src/engine/containers/restart-policy.ts";
import { signalNumber } from "../../../../src/engine/containers/signals.ts";
import { hostnameOf, planStart } from "../../../../src/engine/containers/start-plan.ts";
import { record } from "./fakes.ts";

describe("restart policies", () => {
  const ended = { exitCode: 1, manuallyStopped: false, restartCount: 0 };

  it("always and unless-stopped go on, a stop by hand ends them", () => {
    for (const Name of ["always", "unless-stopped"] as const) {
      assert.equal(decideRestart({ Name }, { ...ended, exitCode: 0 }), true);
      assert.equal(decideRestart({ Name }, { ...ended, manuallyStopped: true }), false);
    }
  });

  it("on-failure counts, and takes exit 0 for success", () => {
    const policy = { Name: "on-failure", MaximumRetryCount: 2 } as const;
    assert.equal(decideRestart(policy, ended), true);
    assert.equal(decideRestart(policy, { ...ended, restartCount: 2 }), false);
    assert.equal(decideRestart(policy, { ...ended, exitCode: 0 }), false);
  });

  it("a new daemon starts always even after a stop by hand, unless-stopped not", () => {
    const stopped = { ...ended, manuallyStopped: true };
    assert.equal(decideBoot({ Name: "always" }, stopped), true);
    assert.equal(decideBoot({ Name: "unless-stopped" }, stopped), false);
    assert.equal(decideBoot({ Name: "no" }, ended), false);
  });

  it("waits 100 ms, doubling up to a minute, from the start again after ten seconds of running", () => {
    assert.deepEqual(
      [nextDelay(0, 0), nextDelay(100, 50), nextDelay(40_000, 0), nextDelay(6400, 10_000)],
      [100, 200, 60_000, 100],
    );
  });
});

describe("planRecovery", () => {
  const alive = { monitorAlive: true, exitRecorded: false, frozen: false, mounted: false };
  const steps = (found: ContainerRecord, facts = alive): string[] => planRecovery(found, facts).map((step) => step.do);

  it("adopts what runs", () => assert.deepEqual(steps(record({}, { status: "running" })), ["adopt"]));

  it("records an end that nobody saw, with or without an exit code", () => {
    const running = record({}, { status: "running" });
    assert.deepEqual(steps(running, { ...alive, monitorAlive: false }), ["record-end"]);
    assert.deepEqual(steps(running, { ...alive, exitRecorded: true }), ["record-end"]);
  });

  it("sees that a pause or its end was cut short", () => {
    const found = (status: "running" | "paused", frozen: boolean): unknown[] =>
      planRecovery(record({}, { status }), { ...alive, frozen });
    assert.deepEqual(found("running", true), [{ do: "adopt", as: "paused" }]);
    assert.deepEqual(found("paused", false), [{ do: "adopt", as: "running" }]);
  });

  it("lets go what it had paused itself, for work that was cut short", () => {
    const found = record({}, { status: "paused", pausedFor: "commit" });
    assert.deepEqual(steps(found, { ...alive, frozen: true }), ["adopt", "let-go"]);
    assert.deepEqual(steps(found), ["adopt"]);
  });

  it("unmounts what was mounted for a copy", () => {
    assert.deepEqual(steps(record({}, { status: "created" }), { ...alive, mounted: true }), ["unmount"]);
    assert.deepEqual(steps(record({}, { status: "exited", intent: "copy" })), ["unmount", "boot"]);
    assert.deepEqual(steps(record({}, { status: "running" }), { ...alive, mounted: true }), ["adopt"]);
  });

  it("goes on with what was begun", () => {
    assert.deepEqual(steps(record({}, { intent: "create" })), ["finish-removal"]);
    assert.deepEqual(steps(record({}, { intent: "start" })), ["undo-start", "boot"]);
    const throwaway = record({ hostConfig: { AutoRemove: true } }, { intent: "start" });
    assert.deepEqual(steps(throwaway), ["undo-start", "auto-remove"]);
    assert.deepEqual(steps(record({}, { status: "exited", intent: "teardown" })), ["finish-teardown"]);
    assert.deepEqual(steps(record({}, { status: "removing", intent: "remove" })), ["finish-removal"]);
  });

  it("leaves what was never started alone", () => assert.deepEqual(steps(record()), []));
});

describe("planStart", () => {
  it("goes from the file system to the process, and asks the network for the container's wishes", () => {
    const plan = planStart(
      record({
        chainId: "sha256:c",
        config: { ExposedPorts: { "80/tcp": {} } },
        hostConfig: { NetworkMode: "bridge", PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
      }),
      "host",
    );
    assert.deepEqual(
      plan.map((step) => step.do),
      [
        "mount-rootfs",
        "check-rootfs",
        "prepare-mounts",
        "attach-network",
        "write-etc",
        "write-spec",
        "open-log",
        "create-process",
        "start-process",
      ],
    );
    const attach = plan.find((step) => step.do === "attach-network");
    assert.equal(attach?.do === "attach-network" && attach.request.portBindings["80/tcp"]?.[0]?.HostPort, "8080");
    assert.equal(attach?.do === "attach-network" && attach.request.hostname, "aaaaaaaaaaaa");
  });

  it("joins another container's network", () => {
    const plan = planStart(record({ hostConfig: { NetworkMode: "container:db" } }), "host");
    assert.deepEqual(
      plan.find((step) => step.do === "join-network"),
      { do: "join-network", of: "db" },
    );
  });

  it("takes the host's name with the host's network", () => {
    assert.equal(hostnameOf(record({ hostConfig: { NetworkMode: "host" } }), "host"), "host");
    assert.equal(hostnameOf(record({ config: { Hostname: "own" } }), "host"), "own");
  });
});

describe("mergeConfig", () => {
  const image = {
    Entrypoint: ["/entry"],
    Cmd: ["serve"],
    Env: ["PATH=/bin", "A=image"],
    Labels: { a: "1", b: "1" },
    User: "web",
  };

  it("keeps the image's command unless one is given", () => {
    assert.deepEqual([mergeConfig({}, image).Entrypoint, mergeConfig({}, image).Cmd], [["/entry"], ["serve"]]);
    assert.deepEqual(mergeConfig({ Cmd: ["sh"] }, image).Cmd, ["sh"]);
  });

  it("a new entrypoint clears the image's arguments, an empty one clears the entrypoint too", () => {
    assert.deepEqual(mergeConfig({ Entrypoint: ["/mine"] }, image).Cmd, null);
    const cleared = mergeConfig({ Entrypoint: [""], Cmd: ["sh"] }, image);
    assert.deepEqual([cleared.Entrypoint, cleared.Cmd], [null, ["sh"]]);
  });

  it("lays the client's variables and labels over the image's", () => {
    const merged = mergeConfig({ Env: ["A=mine"], Labels: { b: "2" } }, image);
    assert.deepEqual(merged.Env, ["A=mine", "PATH=/bin"]);
    assert.deepEqual(merged.Labels, { a: "1", b: "2" });
    assert.equal(merged.User, "web");
  });
});

describe("signals", () => {
  it("reads names, numbers and real-time signals", () => {
    assert.deepEqual(
      ["SIGTERM", "term", "9", "SIGRTMIN+3", "RTMAX-1", "HUP"].map(signalNumber),
      [15, 15, 9, 37, 63, 1],
    );
  });

  it("refuses others in Docker's words", () => {
    for (const bad of ["SIGNOPE", "0", "RTMIN+40"]) {
      assert.throws(() => signalNumber(bad), { message: `invalid signal: ${bad}` });
    }
    assert.throws(() => signalNumber("65"), { message: "The linux daemon does not support signal 65" });
  });
});

describe("detach keys", () => {
  const feed = (filter: DetachFilter, text: string): string => {
    const { data, detached } = filter.push(Buffer.from(text));
    return data.toString() + (detached ? "!" : "");
  };

  it("leaves at the sequence, also in two pieces", () => {
    const filter = new DetachFilter(parseDetachKeys(undefined));
    assert.equal(feed(filter, "ls\x10"), "ls");
    assert.equal(feed(filter, "\x11rest"), "!");
  });

  it("gives back keys of a sequence that was not finished", () => {
    const filter = new DetachFilter(parseDetachKeys("ctrl-a,b"));
    assert.equal(feed(filter, "\x01x\x01\x01b"), "\x01x\x01!");
  });

  it("refuses what is no key", () => {
    assert.throws(() => parseDetachKeys("ctrl-ä"), { code: "BAD_DETACH_KEYS" });
  });
});

describe("health", () => {
  const starting = { Status: "starting", FailingStreak: 0, Log: [] } as const;
  const result = (ExitCode: number) => ({ Start: "", End: "", ExitCode, Output: "" });
  const rules = { retries: 2, inStartPeriod: false };

  it("is unhealthy after as many failures as allowed, healthy at the first success", () => {
    const once = nextHealth({ ...starting, Log: [] }, result(1), rules);
    assert.deepEqual([once.Status, once.FailingStreak], ["starting", 1]);
    const twice = nextHealth(once, result(1), rules);
    assert.equal(twice.Status, "unhealthy");
    assert.deepEqual(
      [nextHealth(twice, result(0), rules).Status, nextHealth(twice, result(0), rules).FailingStreak],
      ["healthy", 0],
    );
  });

  it("counts no failure in the start period, and keeps five results", () => {
    let health = nextHealth({ ...starting, Log: [] }, result(1), { ...rules, inStartPeriod: true });
    assert.equal(health.FailingStreak, 0);
    for (let n = 0; n < 9; n++) health = nextHealth(health, result(0), rules);
    assert.equal(health.Log.length, 5);
  });

  it("finds the probe", () => {
    assert.deepEqual(probeOf({ Test: ["CMD-SHELL", "a b"] }, undefined), ["/bin/sh", "-c", "a b"]);
    assert.deepEqual(probeOf({ Test: ["CMD", "a", "b"] }, undefined), ["a", "b"]);
    assert.equal(probeOf({ Test: ["NONE"] }, undefined), undefined);
  });
});

describe("/etc files", () => {
  const attachment = {
    networks: { bridge: { Gateway: "10.0.0.1" } },
    ports: {},
    hosts: [{ address: "10.0.0.2", names: ["web"] }],
    resolv: { nameservers: ["9.9.9.9"], search: ["lan"], options: ["ndots:1"] },
  };

  it("knows the host as host-gateway, and refuses what is no host", () => {
    const host = { gateway: "10.0.0.1" };
    const text = renderHosts(attachment, { ExtraHosts: ["up:host-gateway", "six:[::1]"] }, host);
    assert.match(text, /^10\.0\.0\.1\tup$/m);
    assert.match(text, /^::1\tsix$/m);
    assert.match(text, /^10\.0\.0\.2\tweb$/m);
    assert.throws(() => renderHosts(attachment, { ExtraHosts: ["nothing"] }, host), { code: "BAD_EXTRA_HOST" });
    assert.throws(() => renderHosts(attachment, { ExtraHosts: ["up:host-gateway"] }, { gateway: undefined }), {
      code: "NO_HOST_GATEWAY",
    });
  });
});

describe("listContainers", () => {
  const up = record({ id: "b".repeat(64), name: "up", created: "2" }, { status: "running" });
  const down = record(
    { name: "down", created: "1", config: { Labels: { tier: "web" } } },
    { status: "exited", exitCode: 3 },
  );
  const facts = { containers: [up, down], find: () => down, imageMatches: () => false };
  const names = (filters: [string, string[]][], all = false, limit = 0): string[] =>
    listContainers(facts, { all, limit, filters: new Map(filters) }).map((found) => found.name);

  it("shows what runs, all, or the newest", () => {
    assert.deepEqual([names([]), names([], true), names([], false, 1)], [["up"], ["up", "down"], ["up"]]);
  });

  it("filters", () => {
    assert.deepEqual(names([["exited", ["3"]]]), ["down"]);
    assert.deepEqual(names([["label", ["tier=web"]]], true), ["down"]);
    assert.deepEqual(names([["name", ["^/?u"]]], true), ["up"]);
    assert.deepEqual(names([["since", ["down"]]], true), ["up"]);
    assert.equal(hasLabel({ a: "1" }, "a"), true);
    assert.throws(() => names([["nope", ["1"]]]), { message: "invalid filter 'nope'" });
    assert.throws(() => names([["status", ["odd"]]]), { code: "BAD_FILTERS" });
  });
});

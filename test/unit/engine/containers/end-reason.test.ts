import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type EndFacts, explainEnd } from "../../../../src/engine/containers/end-reason.ts";
import { signalName, signalNumber } from "../../../../src/engine/containers/signals.ts";

const MB = 1024 * 1024;
const ended = (change: Partial<EndFacts>): string => {
  const reason = explainEnd({
    exitCode: 137,
    oomKilled: false,
    monitorLost: false,
    request: undefined,
    memoryLimit: 0,
    memoryPeak: undefined,
    command: ["/server"],
    ...change,
  });
  return reason === undefined ? "" : `${reason.code}: ${reason.text}`;
};

describe("why a container ended", () => {
  it("needs no words where the exit code is the program's own", () => {
    for (const exitCode of [0, 1, 127, 130, 143]) assert.equal(ended({ exitCode }), "");
    assert.equal(ended({ exitCode: 143, request: { by: "stop", signal: 15 } }), "");
  });

  it("is its memory limit, with the limit and the most it had, or the machine's memory", () => {
    const limited = { oomKilled: true, memoryLimit: 64 * MB, memoryPeak: 64 * MB };
    assert.match(ended(limited), /^MEMORY_LIMIT: .* limit of 64MiB, most used 64MiB: raise --memory/);
    assert.match(ended({ ...limited, exitCode: 3 }), /^MEMORY_LIMIT_CHILD: .* a process in it .* went on$/);
    assert.match(ended({ oomKilled: true }), /^MEMORY_OF_HOST: .*the machine ran out of memory$/);
  });

  it("is who sent SIGKILL", () => {
    assert.match(ended({ request: { by: "kill", signal: 9 } }), /^KILL_REQUEST/);
    assert.match(ended({ request: { by: "kill", signal: 9 }, oomKilled: true }), /^KILL_REQUEST/);
    assert.match(ended({ request: { by: "kill", signal: 1 } }), /^KILLED_ELSEWHERE/);
    assert.match(ended({}), /^KILLED_ELSEWHERE: .*neither the engine nor a memory limit/);
    assert.match(ended({ monitorLost: true }), /^MONITOR_LOST/);
  });

  it("is a stop that took its whole time, with what the first process does at the signal", () => {
    const request = { by: "stop" as const, signal: 15, killedAfter: 10 };
    const stop = (disposition: "handled" | "ignored" | "default", ...command: string[]): string =>
      ended({ request: { ...request, disposition }, command });
    assert.match(
      stop("default", "/server"),
      /^STOP_TIMEOUT: it did not end within 10 s of SIGTERM .*no handler for SIGTERM/,
    );
    assert.match(stop("default", "/bin/sh", "-c", "server; true"), /is a shell, .* exec form .* or use --init$/);
    assert.match(stop("ignored", "/server"), /ignores SIGTERM/);
    assert.match(stop("handled", "/server"), /handles SIGTERM, and was not done yet/);
    assert.equal(ended({ request }), "STOP_TIMEOUT: it did not end within 10 s of SIGTERM and got SIGKILL");
    assert.match(ended({ request: { ...request, killedAfter: 0 } }), /at once, since its time-out is 0$/);
  });

  it("is a fault of the program's, by its signal", () => {
    assert.match(ended({ exitCode: 139 }), /^SIGNAL: ended by SIGSEGV/);
    assert.match(ended({ exitCode: 159 }), /seccomp/);
  });
});

describe("signals", () => {
  it("have names that lead back to their numbers", () => {
    for (let number = 1; number <= 64; number++) {
      if (number === 32 || number === 33) continue; // libc's own
      assert.equal(signalNumber(signalName(number)), number);
    }
    assert.equal(signalName(37), "SIGRTMIN+3");
  });
});

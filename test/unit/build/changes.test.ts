import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { applyChanges } from "../../../src/build/changes.ts";

describe("--change", () => {
  it("applies each kind of change and leaves the given config alone", () => {
    const before = { Env: ["A=1"], Cmd: ["x"] };
    const after = applyChanges(before, [
      "ENV B=$A-2 A=3",
      'ENTRYPOINT ["/x"]',
      "CMD echo hi",
      "EXPOSE 80 90-91/udp",
      "WORKDIR app",
      "WORKDIR b/../c",
      'LABEL a=b c="d e"',
      "VOLUME /data",
      "STOPSIGNAL SIGQUIT",
      "HEALTHCHECK NONE",
      "USER 1:2",
      "ONBUILD RUN x",
    ]);
    assert.deepEqual(after, {
      Env: ["A=3", "B=1-2"],
      Cmd: ["/bin/sh", "-c", "echo hi"],
      Entrypoint: ["/x"],
      ExposedPorts: { "80/tcp": {}, "90/udp": {}, "91/udp": {} },
      WorkingDir: "/app/c",
      Labels: { a: "b", c: "d e" },
      Volumes: { "/data": {} },
      StopSignal: "SIGQUIT",
      Healthcheck: { Test: ["NONE"] },
      User: "1:2",
      OnBuild: ["RUN x"],
    });
    assert.deepEqual(before, { Env: ["A=1"], Cmd: ["x"] });
  });

  const refused: [string, string, string][] = [
    ["RUN x", "BAD_CHANGE", "run is not a valid change command"],
    ["COPY a b", "BAD_CHANGE", "copy is not a valid change command"],
    ["STOPSIGNAL FOO", "BAD_SIGNAL", "invalid signal: FOO"],
    ["EXPOSE 99999", "BAD_PORT", "invalid containerPort: 99999"],
    ["EXPOSE 80/icmp", "BAD_PORT", "invalid proto: icmp"],
  ];
  for (const [change, code, message] of refused) {
    it(`refuses ${change}`, () => {
      assert.throws(
        () => applyChanges({}, [change]),
        (error) => isGantryError(error, code) && error.message === message,
      );
    });
  }

  it("shows a typo with what was meant", () => {
    assert.throws(
      () => applyChanges({}, ["ENTRYPONT x"]),
      (error) => {
        assert.ok(isGantryError(error, "BAD_DOCKERFILE"));
        assert.equal(error.hint, "did you mean ENTRYPOINT?");
        return true;
      },
    );
  });
});

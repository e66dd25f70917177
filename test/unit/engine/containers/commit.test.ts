import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig } from "../../../../src/base/container-config.ts";
import { applyChanges } from "../../../../src/build/changes.ts";
import { committedConfig } from "../../../../src/engine/containers/commit.ts";

const own: ContainerConfig = {
  Env: ["A=1", "PATH=/bin"],
  Cmd: ["sleep", "1"],
  Entrypoint: ["tini"],
  Labels: { lab: "x" },
  WorkingDir: "/tmp",
  OnBuild: ["RUN inherited"],
};
const committed = (changes: string[], config?: ContainerConfig): ContainerConfig =>
  committedConfig({ config: own }, { changes, ...(config ? { config } : {}) }, applyChanges);

test("an image of a container has the container's settings, less what its own image asked of builds", () => {
  const { OnBuild, Env, Cmd, Entrypoint, WorkingDir } = committed([]);
  assert.deepEqual(
    { OnBuild, Env, Cmd, Entrypoint, WorkingDir },
    { OnBuild: null, Env: ["A=1", "PATH=/bin"], Cmd: ["sleep", "1"], Entrypoint: ["tini"], WorkingDir: "/tmp" },
  );
});

test("changes go over them, as in a Dockerfile", () => {
  const result = committed(["ENV B=2", "WORKDIR sub", "LABEL lab=y", "ONBUILD RUN more", 'CMD ["ls"]']);
  assert.deepEqual(result.Env, ["A=1", "PATH=/bin", "B=2"]);
  assert.equal(result.WorkingDir, "/tmp/sub");
  assert.deepEqual(result.Labels, { lab: "y" });
  assert.deepEqual(result.OnBuild, ["RUN more"]);
  assert.deepEqual([result.Entrypoint, result.Cmd], [["tini"], ["ls"]]);
  const entered = committed(['ENTRYPOINT ["echo"]']);
  assert.deepEqual([entered.Entrypoint, entered.Cmd], [["echo"], null]);
});

test("settings in the request come first", () => {
  const result = committed(["ENV Q=1"], { Env: ["A=9"], Cmd: ["hi"], User: "u" });
  assert.deepEqual(result.Env, ["A=9", "Q=1", "PATH=/bin"]);
  assert.deepEqual([result.Entrypoint, result.Cmd, result.User], [["tini"], ["hi"], "u"]);
});

test("what changes files is refused", () => {
  assert.throws(() => committed(["RUN x"]), { code: "BAD_CHANGE" });
});

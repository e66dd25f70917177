import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { GANTRY, type Ran, run } from "../../support/engine.ts";
import { archive } from "../../support/tar-maker.ts";
import { buildBase } from "./base.ts";
import type { BuildCase } from "./corpus.ts";
import { type Built, listingOf, whatWasBuilt } from "./listing.ts";

/** The image, or that there is none; the texts of errors are compared elsewhere. */
export type Outcome = Built | "fails";

/** Builds a case from `busybox`, which is the base of `buildBase`. */
export interface Builder {
  build(one: BuildCase): Promise<Outcome>;
}

const base = buildBase();
const before = listingOf(base);

/** The context as a tar. The docker command knows one by its first block, which must be no extended header. */
const contextOf = ({ context, dockerfile }: BuildCase): Buffer =>
  archive({ name: "Dockerfile", content: `${dockerfile.join("\n")}\n` }, ...context);

/** The context as GNU tar unpacks it. */
async function unpacked(one: BuildCase, below: string): Promise<string> {
  const folder = fs.mkdtempSync(path.join(below, "context-"));
  const args = ["-xpf-", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", folder];
  const ran = await run("tar", args, { input: contextOf(one) });
  assert.equal(ran.code, 0, ran.stderr);
  return folder;
}

export async function load(program: string, env: NodeJS.ProcessEnv): Promise<void> {
  const loaded = await run(program, ["load"], { env, input: base });
  assert.equal(loaded.code, 0, loaded.stderr);
}

async function saved(program: string, env: NodeJS.ProcessEnv, built: Ran, below: string): Promise<Outcome> {
  if (built.code !== 0) return "fails";
  const file = path.join(below, "image.tar");
  const ran = await run(program, ["save", "-o", file, "built"], { env });
  assert.equal(ran.code, 0, ran.stderr);
  try {
    return whatWasBuilt(fs.readFileSync(file), before);
  } finally {
    fs.rmSync(file);
  }
}

/** The docker command, which sends the context as a tar. */
export const byDocker = (env: NodeJS.ProcessEnv, below: string): Builder => ({
  async build(one) {
    const built = await run("docker", ["build", "-t", "built", ...one.args, "-"], { env, input: contextOf(one) });
    return saved("docker", env, built, below);
  },
});

/** gantry, which sends of a folder what the engine lacks. */
export const byGantry = (env: NodeJS.ProcessEnv, below: string): Builder => ({
  async build(one) {
    const folder = await unpacked(one, below);
    try {
      return saved(GANTRY, env, await run(GANTRY, ["build", "-t", "built", ...one.args, folder], { env }), below);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },
});

/** buildah with a storage of its own. */
export async function byBuildah(below: string): Promise<Builder & { end(): Promise<void> }> {
  const registries = path.join(below, "registries.conf");
  fs.writeFileSync(registries, 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"\n');
  const policy = path.join(below, "policy.json");
  fs.writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const archived = path.join(below, "base.tar");
  fs.writeFileSync(archived, base);
  const env = {
    PATH: process.env["PATH"],
    HOME: below,
    CONTAINERS_REGISTRIES_CONF: registries,
    BUILDAH_ISOLATION: "chroot",
  };
  const roots = [
    "--root",
    path.join(below, "root"),
    "--runroot",
    path.join(below, "run"),
    "--storage-driver",
    "overlay",
  ];
  const buildah = (...args: string[]): Promise<Ran> => run("buildah", [...roots, ...args], { env });
  const pulled = await buildah("pull", "--signature-policy", policy, `docker-archive:${archived}`);
  assert.equal(pulled.code, 0, pulled.stderr);
  return {
    async build(one) {
      const folder = await unpacked(one, below);
      const target = path.join(below, "image.tar");
      try {
        const flags = ["--pull-never", "--format", "docker", "--signature-policy", policy, "-t", "built"];
        const built = await buildah("build", ...flags, ...one.args, folder);
        if (built.code !== 0) return "fails";
        const pushed = await buildah("push", "--signature-policy", policy, "built", `docker-archive:${target}`);
        assert.equal(pushed.code, 0, pushed.stderr);
        return whatWasBuilt(fs.readFileSync(target), before);
      } finally {
        fs.rmSync(target, { force: true });
        fs.rmSync(folder, { recursive: true });
      }
    },
    async end() {
      await buildah("rmi", "-af");
      await run("umount", [path.join(below, "root", "overlay")]);
    },
  };
}

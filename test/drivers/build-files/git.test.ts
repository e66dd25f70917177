import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { HostGit } from "../../../src/drivers/build-files/git.ts";
import type { GitRequest } from "../../../src/ports/build-files.ts";
import { GitServer } from "../../support/git-server.ts";
import { scratch } from "../../support/scratch.ts";

const folder = scratch("git");
const git = new HostGit();
let server: GitServer;
let first: string;
let second: string;

before(async () => {
  server = await GitServer.start(folder.sub("served"));
  first = server.commit("app", { README: "one\n", "docs/page": "page\n", "run.sh": "#!/bin/sh\n" }, { tag: "v1" });
  second = server.commit("app", { README: "two\n" });
});
after(() => {
  server.stop();
  folder[Symbol.dispose]();
});

let count = 0;
async function checkout(request: Partial<GitRequest>): Promise<{ commit: string; root: string }> {
  const root = folder.sub(`checkout-${++count}`);
  const { commit } = await git.checkout(
    { url: `${server.url}/app.git`, keepGitDir: false, submodules: true, ...request },
    root,
  );
  return { commit, root };
}
const read = (root: string, name: string): string => fs.readFileSync(path.join(root, name), "utf8");

describe("git repositories", () => {
  it("are checked out at the default branch, without git's own folder", async () => {
    const { commit, root } = await checkout({});
    assert.equal(commit, second);
    assert.equal(read(root, "README"), "two\n");
    assert.deepEqual(fs.readdirSync(root).toSorted(), ["README", "docs", "run.sh"]);
    assert.equal(fs.statSync(path.join(root, "run.sh")).mode & 0o777, 0o755);
    assert.equal(fs.statSync(path.join(root, "README")).mode & 0o777, 0o644);
  });

  it("are checked out at a tag, a branch or a commit, whole or short", async () => {
    assert.equal((await checkout({ ref: "v1" })).commit, first);
    assert.equal((await checkout({ ref: "refs/tags/v1" })).commit, first);
    assert.equal((await checkout({ ref: "main" })).commit, second);
    assert.equal((await checkout({ ref: first })).commit, first);
    assert.equal((await checkout({ ref: first.slice(0, 9) })).commit, first);
  });

  it("keep git's folder when asked to, with nothing of this engine in its settings", async () => {
    const { root } = await checkout({ keepGitDir: true });
    const config = read(root, ".git/config");
    assert.match(config, new RegExp(`url = ${server.url}/app\\.git`));
    assert.doesNotMatch(config, /curloptResolve|hooksPath/);
  });

  it("bring their submodules along, whose URL may be relative", async () => {
    server.commit("whole", { x: "x\n" }, { submodules: { part: path.join(folder.path, "served/app.work") } });
    const text = fs.readFileSync(path.join(folder.path, "served/whole.work/.gitmodules"), "utf8");
    server.commit("whole", { ".gitmodules": text.replace(/url = .*/, "url = ../app.git") });
    const { root } = await checkout({ url: `${server.url}/whole.git` });
    assert.equal(read(root, "part/README"), "two\n");
    assert.deepEqual(fs.readdirSync(path.join(root, "part")).toSorted(), ["README", "docs", "run.sh"]);
  });

  it("may have moved", async () => {
    assert.equal((await checkout({ url: `${server.url}/moved/app.git` })).commit, second);
  });

  const refused: [string, string, string?][] = [
    ["/away/app.git", "DOWNLOAD_REFUSED"],
    ["/none.git", "DOWNLOAD_FAILED"],
    ["/app.git", "DOWNLOAD_FAILED", "nosuchref"],
  ];
  for (const [where, code, ref] of refused) {
    it(`${where} ${ref ?? ""} ends with ${code}`, async () => {
      const request = checkout({ url: server.url + where, ...(ref ? { ref } : {}) });
      await assert.rejects(request, (error) => isGantryError(error, code));
    });
  }

  for (const url of ["ext::sh -c id", "file:///etc", "/etc", "ssh://git@localhost/x.git", "git@localhost:x.git"]) {
    it(`${url} is not fetched`, () =>
      assert.rejects(
        checkout({ url }),
        (error) => isGantryError(error, "GIT_OVER_SSH") || isGantryError(error, "BAD_URL"),
      ));
  }

  for (const url of ["ext::sh -c 'touch ran'", "file:///etc", "http://169.254.169.254/x.git"]) {
    it(`a submodule at ${url} is not fetched`, async () => {
      const name = `trap${++count}`;
      server.commit(name, { x: "x\n" }, { submodules: { part: path.join(folder.path, "served/app.work") } });
      const file = path.join(folder.path, `served/${name}.work/.gitmodules`);
      server.commit(name, { ".gitmodules": fs.readFileSync(file, "utf8").replace(/url = .*/, `url = ${url}`) });
      await assert.rejects(checkout({ url: `${server.url}/${name}.git` }));
    });
  }

  it("are given up when the build is", async () => {
    await assert.rejects(checkout({ signal: AbortSignal.abort() }), (error) => isGantryError(error, "CANCELED"));
  });
});

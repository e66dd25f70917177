import assert from "node:assert/strict";
import fs from "node:fs";
import http, { type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { startLiar } from "../drivers/registry-http/lying-registry.ts";
import { TestEngine } from "../support/engine.ts";

let engine: TestEngine;
let server: http.Server;
let host: string;
let tar: Buffer;
before(async () => {
  engine = await TestEngine.start();
  const id = await engine.ok("create", "busybox");
  const file = path.join(engine.folder, "rootfs.tar");
  await engine.ok("export", "-o", file, id);
  await engine.ok("rm", id);
  tar = fs.readFileSync(file);
  server = http.createServer((request, response) => {
    const page = pages[request.url ?? ""];
    if (page === undefined) response.writeHead(404).end();
    else page(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.close();
  await engine.end();
});

const pages: Record<string, (response: ServerResponse) => unknown> = {
  "/rootfs.tar": (response) => response.writeHead(200, { "Content-Length": tar.length }).end(tar),
  "/moved": (response) => response.writeHead(302, { Location: "/rootfs.tar" }).end(),
  "/unsized": (response) => response.end(tar),
  "/metadata": (response) => response.writeHead(302, { Location: "http://169.254.169.254/latest" }).end(),
  "/cut": (response) => {
    response.writeHead(200, { "Content-Length": tar.length });
    response.write(tar.subarray(0, 100_000), () => response.destroy());
  },
};

for (const cli of ["docker", "gantry"] as const) {
  describe(`${cli} import from an address`, () => {
    it("fetches the tar, follows redirects and says where it is from", async () => {
      for (const page of ["rootfs.tar", "moved", "unsized"]) {
        const url = `http://${host}/${page}`;
        const ran = await engine[cli]("import", "-c", "CMD echo there", url, "fetched:1");
        assert.equal(ran.code, 0, ran.stderr);
        assert.match(ran.stdout, new RegExp(`Downloading from ${url}[^]*sha256:[0-9a-f]{64}\\s*$`));
        assert.equal(await engine.ok("run", "--rm", "fetched:1"), "there");
        assert.match(await engine.ok("history", "--format", "{{.Comment}}", "fetched:1"), new RegExp(`from ${url}$`));
        await engine.ok("rmi", "fetched:1");
      }
    });

    it("makes no image of what is missing, refused, cut short or no tar", async () => {
      const cases: [string, RegExp][] = [
        [`http://${host}/nothing`, /with status 404/],
        [`http://${host}/cut`, /Get "http.*\/cut": /],
        [`http://${host}/metadata`, /169\.254\.169\.254 is not a public address/],
        ["http://127.0.0.1:1/x", /dial tcp 127\.0\.0\.1:1: connect: connection refused/],
      ];
      const before = await engine.ok("images", "-aq");
      for (const [url, words] of cases) {
        const { code, stderr } = await engine[cli]("import", url, "broken:1");
        assert.notEqual(code, 0, url);
        assert.match(stderr, words);
      }
      assert.equal(await engine.ok("images", "-aq"), before);
    });
  });

  describe(`${cli} search`, () => {
    const results = [
      { name: "team/words", description: "some words", star_count: 7, is_official: false },
      { name: "words", description: "the words", star_count: 3, is_official: true },
    ];
    const format = ["--format", "{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}"];

    it("asks the registry that the term names", async () => {
      const index = await startLiar((request, response) => {
        if (request.url?.startsWith("/v1/search")) response.end(JSON.stringify({ num_results: 2, results }));
      });
      const found = async (...args: string[]): Promise<string> => {
        const ran = await engine[cli]("search", ...format, ...args, `${index.host}/big words`);
        assert.equal(ran.code, 0, ran.stderr);
        return ran.stdout;
      };
      try {
        const [team, plain] = ["team/words|some words|7|\n", "words|the words|3|[OK]\n"];
        assert.equal(await found(), team + plain);
        assert.equal(index.seen.at(-1)?.url, "/v1/search?q=big+words&n=25");
        assert.equal(await found("--limit", "3", "--filter", "stars=4"), team);
        assert.equal(index.seen.at(-1)?.url, "/v1/search?q=big+words&n=3");
        assert.equal(await found("--filter", "is-official=true"), plain);
        assert.equal(await found("--filter", "is-automated=true"), "");
      } finally {
        await index.stop();
      }
    });

    it("says why there is nothing to be found", async () => {
      const silent = await startLiar(() => {});
      const liar = await startLiar((request, response) => {
        if (request.url?.startsWith("/v1/search")) response.end("<html>");
      });
      const fails = async (words: RegExp, ...args: string[]): Promise<void> => {
        const ran = await engine[cli]("search", ...args);
        assert.equal(ran.code, 1, ran.stdout);
        assert.match(ran.stderr, words);
      };
      try {
        await fails(/Unexpected status code 404/, `${silent.host}/x`);
        await fails(/no list of repositories/, `${liar.host}/x`);
        await fails(/dial tcp 127\.0\.0\.1:1: connect: connection refused/, "127.0.0.1:1/x");
        await fails(/limit 101 is outside the range of \[1, 100\]/, "--limit", "101", "x");
        await fails(/should not have a scheme/, "https://127.0.0.1:1/x");
      } finally {
        await Promise.all([silent.stop(), liar.stop()]);
      }
    });
  });
}

import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { isGantryError } from "../../../src/base/errors.ts";
import { HttpDownloads } from "../../../src/drivers/build-files/downloads.ts";

let server: http.Server;
let root: string;
const downloads = new HttpDownloads();

before(async () => {
  server = http.createServer((request, response) => {
    const path = request.url ?? "/";
    if (path === "/moved") response.writeHead(302, { Location: "/files/a%20b.txt?x=1" }).end();
    else if (path === "/loop") response.writeHead(302, { Location: "/loop" }).end();
    else if (path === "/meta") response.writeHead(302, { Location: "http://169.254.169.254/latest" }).end();
    else if (path === "/file") response.writeHead(302, { Location: "file:///etc/passwd" }).end();
    else if (path === "/named/")
      response.writeHead(200, { "Content-Disposition": 'attachment; filename="../evil.txt"' }).end("x");
    else if (path === "/unnamed/") response.writeHead(200).end("x");
    else if (path.startsWith("/files/"))
      response.writeHead(200, { "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT" }).end("data");
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

describe("downloads", () => {
  it("follow redirects and take the name and the time along", async () => {
    const download = await downloads.open(`${root}/moved`);
    assert.equal(download.filename, "a b.txt");
    assert.equal(download.modified, Date.UTC(2026, 0, 1));
    assert.equal(await text(download.body), "data");
  });

  it("take a name from Content-Disposition, without its folders", async () => {
    const named = await downloads.open(`${root}/named/`);
    assert.equal(named.filename, "evil.txt");
    named.body.resume();
    const unnamed = await downloads.open(`${root}/unnamed/`);
    assert.equal(unnamed.filename, undefined);
    unnamed.body.resume();
  });

  const refused: [string, string][] = [
    ["/meta", "DOWNLOAD_REFUSED"],
    ["/file", "BAD_URL"],
    ["/loop", "DOWNLOAD_FAILED"],
    ["/none", "DOWNLOAD_FAILED"],
  ];
  for (const [path, code] of refused) {
    it(`${path} ends with ${code}`, () =>
      assert.rejects(downloads.open(root + path), (error) => isGantryError(error, code)));
  }

  it("never go to link-local addresses, in any spelling", async () => {
    for (const host of ["169.254.1.1", "[::ffff:169.254.1.1]", "[fe80::1]", "2852039166"]) {
      await assert.rejects(
        downloads.open(`http://${host}/x`),
        (error) => isGantryError(error, "DOWNLOAD_REFUSED"),
        host,
      );
    }
  });

  it("say which server can't be reached", async () => {
    await assert.rejects(
      downloads.open("http://127.0.0.1:1/x"),
      /Get "http:\/\/127.0.0.1:1\/x": dial tcp 127.0.0.1:1: connect: connection refused/,
    );
    await assert.rejects(downloads.open("http://"), (error) => isGantryError(error, "BAD_URL"));
  });
});

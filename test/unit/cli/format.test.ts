import assert from "node:assert/strict";
import { test } from "node:test";
import { containerRow, portsText } from "../../../src/cli/format/container-row.ts";
import { imageRows } from "../../../src/cli/format/image-row.ts";
import { compactJson, goJson, indentJson } from "../../../src/cli/format/json.ts";
import { type Listing, parseFormat, printListing } from "../../../src/cli/format/listing.ts";
import { alignTabs } from "../../../src/cli/format/table.ts";
import { ellipsis, goQuote, naturally } from "../../../src/cli/format/words.ts";
import type { ContainerSummary } from "../../../src/wire/types/containers.ts";

test("columns are ten wide at least, and three apart", () => {
  assert.equal(
    alignTabs("A\tB\tC\nlonger than ten\tx\ty\n"),
    "A                 B         C\nlonger than ten   x         y\n",
  );
});

test("a column ends where a line has none, and starts anew below", () => {
  assert.equal(alignTabs("aaaaaaaaaaaa\tb\nx\nc\td\n"), "aaaaaaaaaaaa   b\nx\nc         d\n");
});

test("JSON is indented without a change to numbers, order or escapes", () => {
  const text = '{"b":12345678901234567890,"1":"\\u003c","a":[],"o":{},"l":[1,{"x":null}],"s":"a:{b},"}';
  assert.equal(
    indentJson(text, ""),
    '{\n    "b": 12345678901234567890,\n    "1": "\\u003c",\n    "a": [],\n    "o": {},\n    "l": [\n        1,\n        {\n' +
      '            "x": null\n        }\n    ],\n    "s": "a:{b},"\n}',
  );
  assert.equal(compactJson('{ "a" : "x y",\n "b": 1 }'), '{"a":"x y","b":1}');
  assert.equal(goJson({ a: "<b>&" }), '{"a":"\\u003cb\\u003e\\u0026"}');
});

test("control characters in names and commands never reach the terminal raw", () => {
  assert.equal(goQuote('a"\u001b[31m\n\\'), '"a\\"\\x1b[31m\\n\\\\"');
  assert.equal(ellipsis("sh -c 'echo hi; exit 3'", 20), "sh -c 'echo hi; exi…");
});

test("names sort as people count", () => {
  assert.deepEqual(["a10", "a2", "a1", "b"].toSorted(naturally), ["a1", "a2", "a10", "b"]);
});

test("ports are drawn together where they run on, mapped ones come last", () => {
  const tcp = (PrivatePort: number, PublicPort?: number, IP?: string) => ({
    PrivatePort,
    PublicPort,
    IP,
    Type: "tcp" as const,
  });
  assert.equal(
    portsText([tcp(82, 82, "0.0.0.0"), tcp(80, 80, "0.0.0.0"), tcp(81, 81, "0.0.0.0"), tcp(443), tcp(90, 8080, "::")]),
    "0.0.0.0:80-82->80-82/tcp, 443/tcp, [::]:8080->90/tcp",
  );
  assert.equal(portsText([tcp(443), tcp(444)]), "443-444/tcp");
  assert.equal(portsText(null), "");
});

const container: ContainerSummary = {
  Id: "0123456789abcdef".repeat(4),
  Names: ["/web", "/other/web"],
  Image: "busybox@sha256:abc0",
  ImageID: "sha256:ff",
  Command: "sleep 1000",
  Created: 0,
  Ports: [],
  Labels: { b: "2", a: "1" },
  State: "running",
  Status: "Up 5 minutes",
  HostConfig: {},
  NetworkSettings: { Networks: { bridge: {} } },
  Mounts: [
    {
      Type: "volume",
      Name: "a-very-long-volume-name",
      Source: "/x",
      Destination: "/y",
      Driver: "local",
      Mode: "",
      RW: true,
      Propagation: "",
    },
  ],
  SizeRw: 0,
  SizeRootFs: 1984172,
};

test("a container's row is docker's", () => {
  const { fields } = containerRow(container, true, 61_000);
  assert.equal(fields["ID"], "0123456789ab");
  assert.equal(fields["Names"], "web");
  assert.equal(fields["Image"], "busybox");
  assert.equal(fields["Labels"], "a=1,b=2");
  assert.equal(fields["Mounts"], "a-very-long-vo…");
  assert.equal(fields["LocalVolumes"], "1");
  assert.equal(fields["RunningFor"], "About a minute ago");
  assert.equal(fields["Size"], "0B (virtual 1.98MB)");
  assert.equal(containerRow(container, false, 0).fields["Names"], "web,other/web");
});

test("an image has a row for each name, and one without a name", () => {
  const image = {
    Id: "sha256:0123456789abcdef",
    ParentId: "",
    RepoTags: ["a:1", "a:2", "localhost:5000/x:y"],
    RepoDigests: ["a@sha256:d"],
    Created: 1,
    Size: 5,
    SharedSize: -1,
    Labels: null,
    Containers: -1,
  };
  const names = (digests: boolean, tags: string[] | null = image.RepoTags) =>
    imageRows({ ...image, RepoTags: tags }, { truncate: true, digests, now: 2000 }).map(
      ({ fields }) => `${fields["Repository"]} ${fields["Tag"]} ${fields["Digest"]}`,
    );
  assert.deepEqual(names(false), ["a 1 <none>", "a 2 <none>", "localhost:5000/x y <none>"]);
  assert.deepEqual(names(true), ["a 1 sha256:d", "a 2 sha256:d", "localhost:5000/x y <none>"]);
  assert.deepEqual(names(true, null), ["a <none> sha256:d"]);
});

async function printed(format: string | undefined, rows: Listing["rows"]): Promise<string> {
  let out = "";
  const listing = { typeName: "*x.Y", headings: { ID: "THE ID", Name: "NAME" }, columns: ["ID", "Name"], rows };
  await printListing({ isTTY: false, write: (data) => void (out += String(data)) }, listing, parseFormat(format));
  return out;
}
const rows = [{ fields: { ID: "1", Name: "<a>" }, labels: { x: "y" } }];

test("a listing is a table, JSON lines, or what a template makes", async () => {
  assert.equal(await printed(undefined, rows), "THE ID    NAME\n1         <a>\n");
  assert.equal(await printed("json", rows), '{"ID":"1","Name":"\\u003ca\\u003e"}\n');
  assert.equal(await printed("{{json .}}", rows), '{"ID":"1","Name":"\\u003ca\\u003e"}\n');
  assert.equal(await printed('{{.ID}}\\t{{.Label "x"}}', rows), "1\ty\n");
  assert.equal(await printed('table {{.Name}}\\t{{.Label "com.x"}}', rows), "NAME      x\n<a>       \n");
});

test("an unknown field is an error even without rows", async () => {
  for (const some of [rows, []]) {
    await assert.rejects(
      printed("{{.Foo}}", some),
      /failed to execute template: template: :1:2: .*can't evaluate field Foo in type \*x\.Y/,
    );
  }
  await assert.rejects(printed("{{.ID", rows), /template parsing error: template: :1: unclosed action/);
});

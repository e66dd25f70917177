import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { run, TestEngine } from "../support/engine.ts";
import { buildBase } from "../side-by-side/builds/base.ts";

let builder: TestEngine;
let registry: RealRegistry;
before(async () => {
  builder = await TestEngine.start({ busybox: false });
  registry = await startRegistry();
  const loaded = await run("docker", ["load"], { env: builder.env, input: buildBase() });
  assert.equal(loaded.code, 0, loaded.stderr);
});
after(async () => {
  await registry.stop();
  await builder.end();
});

/** Runs a script in a RUN of its own on top of the image before, whose name is the image's afterwards. */
async function built(name: string, steps: string[]): Promise<void> {
  const context = fs.mkdtempSync(path.join(builder.folder, "context-"));
  const lines = ["FROM busybox", ...steps.map((step) => `RUN <<"END"\nset -e\n${step}\nEND`)];
  fs.writeFileSync(path.join(context, "Dockerfile"), `${lines.join("\n")}\n`);
  await builder.ok("build", "-t", name, context);
}

const STEPS = [
  // What a layer may hold …
  `mkdir /k && cd /k
   echo plain >plain && ln plain twin && ln -s plain soft && ln soft soft-twin
   echo >capable && setcap cap_net_raw+ep capable && cp /bin/busybox su && chmod 6755 su
   echo >noted && setfattr -n user.note -v hello noted && mkdir kept && setfattr -n user.note -v folder kept
   echo >listed && setfacl -m u:7:rw,g:8:r listed && mkdir lists && setfacl -d -m u:7:rwx lists && echo >lists/child
   mkdir lists/below && mkfifo -m 640 pipe && busybox mknod null c 1 3 && busybox mknod loop b 7 5
   busybox truncate -s 50000000 sparse && printf data | dd of=sparse bs=1 seek=30000000 conv=notrunc 2>/dev/null
   touch -- -dash "$(printf 'new\\nline')" "$(printf '\\377\\376')" .wh ' space ' "$(head -c 255 /dev/zero | tr '\\0' n)"
   busybox chown 70000:80000 noted && touch -d @1000000000 plain && touch -h -d @1000000001 soft`,
  // … and hide, replace or change of those below.
  `rm /base/file && rm -r /base/folder && mkdir /base/folder && echo new >/base/folder/new
   rm /base/to-file && mkdir /base/to-file && rm /k/kept -r && echo file >/k/kept
   chmod 4711 /k/twin && rm /k/soft-twin && mv /k/noted /k/moved`,
];

/** All that can be seen of the trees, in order. */
const LOOK = `
cd /; find k base | sort | while read -r f; do
  [ -e "$f" ] || [ -L "$f" ] || { echo "odd: $f" | od -c | head -2; continue; }
  stat -c '%n %F %a %u:%g %s %h %t:%T %Y' "$f" | sed 's/ directory \\(.*\\) [0-9]*$/ directory \\1/'
  [ -L "$f" ] && readlink "$f"; [ -f "$f" ] && busybox md5sum "$f"; busybox ls -ldn "$f" | cut -c1-10
done; getfattr -R -h -d -m - -e hex k base 2>/dev/null; busybox du -k /k/sparse`;

describe("a built image that was pushed and pulled", () => {
  it("has every kind of file as it was made, and hides what it hid", async () => {
    const name = `${registry.host}/kinds:1`;
    await built(name, STEPS);
    const made = await builder.ok("run", "--rm", name, "sh", "-c", LOOK);
    for (const [what, expected] of Object.entries({
      capabilities: /security\.capability=0x01000002002000/,
      attributes: /user\.note=0x68656c6c6f/,
      "access lists": /system\.posix_acl_access=/,
      "default access lists": /system\.posix_acl_default=/,
      "set-uid": /^k\/su regular file 6755/m,
      "big ids": /^k\/moved regular file 644 70000:80000/m,
      times: /^k\/plain .* 1000000000$/m,
      "times of links": /^k\/soft symbolic link .* 1000000001$/m,
      devices: /^k\/null character special file 644 0:0 0 1 1:3/m,
      pipes: /^k\/pipe fifo 640/m,
      "a replaced folder": /^base\/folder\/new regular/m,
      "what replaced a file": /^base\/to-file directory/m,
    })) {
      assert.match(made, expected, what);
    }
    assert.doesNotMatch(made, /base\/folder\/inner|base\/file |soft-twin|kept\//);
    assert.ok(room(made) < 1000, "the sparse file takes its data's room");
    await builder.ok("push", "-q", name);
    const other = await TestEngine.start({ busybox: false });
    try {
      const there = await other.ok("run", "--rm", name, "sh", "-c", LOOK);
      assert.ok(room(there) < 1000, "the sparse file takes its data's room there, too");
      assert.equal(withoutRoom(there), withoutRoom(made));
    } finally {
      await other.end();
    }
  });
});

describe("a RUN that changes one file of very many", () => {
  it("makes a layer of that file, without a look at the others", async () => {
    await built("many", [
      "mkdir /many && cd /many && for d in $(seq 40); do mkdir $d && (cd $d && touch $(seq 250)); done",
    ]);
    const context = fs.mkdtempSync(path.join(builder.folder, "context-"));
    fs.writeFileSync(path.join(context, "Dockerfile"), "FROM many\nRUN echo x >/many/7/7\n");
    const before = cpuSeconds(builder.pid);
    await builder.ok("build", "--no-cache", "-t", "one", context);
    const taken = cpuSeconds(builder.pid) - before;
    const { RootFS } = JSON.parse(await builder.ok("image", "inspect", "--format", "{{json .}}", "one")) as {
      RootFS: { Layers: string[] };
    };
    assert.equal(RootFS.Layers.length, 3);
    assert.match(await builder.ok("history", "--format", "{{.Size}}", "one"), /^2B\n/);
    assert.ok(taken < 0.5, `the engine took ${taken} s of a processor`);
  });
});

/** What a process has had of the processors so far, without its children. */
function cpuSeconds(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const ROOM = /(\d+)\t\/k\/sparse$/;
/** KiB of the sparse file. */
const room = (look: string): number => Number(ROOM.exec(look)?.[1]);
const withoutRoom = (look: string): string => look.replace(ROOM, "");

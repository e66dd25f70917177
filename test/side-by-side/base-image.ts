import { createHash } from "node:crypto";
import fs from "node:fs";
import { archive, type Member } from "../support/tar-maker.ts";

const APPLETS =
  "cat chmod cp date dd df echo env false grep head hostname id ip kill ln ls mkdir mkfifo mount mv printf ps pwd readlink rm sed seq sh sleep stat tail test top touch tr true umask uname wc whoami yes".split(
    " ",
  );
const FOLDERS = ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp"];

const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/** An image that is the same on every daemon: this machine's busybox and `more`, as `docker save` would have written it. */
export function baseImage(more: Member[] = []): { archive: Buffer; size: number } {
  const program = fs.readFileSync("/bin/busybox", "latin1");
  const passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n";
  const group = "root:x:0:\nnogroup:x:65534:\n";
  const layer = archive(
    ...FOLDERS.map((name): Member => ({ name: `${name}/`, type: "dir", mode: name === "tmp" ? 0o1777 : 0o755 })),
    { name: "bin/busybox", mode: 0o755, content: program },
    ...APPLETS.map((name): Member => ({ name: `bin/${name}`, type: "symlink", link: "busybox", mode: 0o777 })),
    { name: "etc/passwd", content: passwd },
    { name: "etc/group", content: group },
    ...more,
  );
  const config = JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    created: "2020-01-01T00:00:00Z",
    config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: "2020-01-01T00:00:00Z", created_by: "made by hand" }],
  });
  const manifest = [{ Config: `${sha256(config)}.json`, RepoTags: ["busybox:latest"], Layers: ["layer.tar"] }];
  return {
    size: program.length + passwd.length + group.length,
    archive: archive(
      { name: "layer.tar", content: layer.toString("latin1") },
      { name: `${sha256(config)}.json`, content: config },
      { name: "manifest.json", content: JSON.stringify(manifest) },
    ),
  };
}

/** As docker's CLI writes sizes: three digits. */
export function humanSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000; value /= 1000) unit++;
  return `${Number(value.toPrecision(3))}${units[unit]}`;
}

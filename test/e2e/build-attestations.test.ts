import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

let engine: TestEngine;
let registry: RealRegistry;
before(async () => {
  [engine, registry] = await Promise.all([TestEngine.start(), startRegistry()]);
});
after(async () => {
  await registry.stop();
  await engine.end();
});

const DPKG =
  "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u4\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
const FILES: Record<string, string> = {
  "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
  "var/lib/dpkg/status": DPKG,
  "lib/apk/db/installed": "P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\n",
  "app/node_modules/@scope/tool/package.json": '{"name":"@scope/tool","version":"1.0.0","license":"MIT"}',
  "app/node_modules/plain/package.json": '{"name":"plain","version":"2.0.0"}',
  "usr/lib/python3/Some_Thing-3.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Some_Thing\nVersion: 3.0\n\ntext",
};

function context(): string {
  const folder = fs.mkdtempSync(path.join(engine.folder, "context-"));
  for (const [name, content] of Object.entries(FILES)) {
    fs.mkdirSync(path.dirname(path.join(folder, "root", name)), { recursive: true });
    fs.writeFileSync(path.join(folder, "root", name), content);
  }
  fs.writeFileSync(path.join(folder, "token"), "much-hidden");
  const lines = ["FROM busybox", "ARG FLAVOUR", "RUN --mount=type=secret,id=token true", "COPY root /", "LABEL a=b"];
  fs.writeFileSync(path.join(folder, "Dockerfile"), lines.join("\n"));
  return folder;
}

const build = async (...flags: string[]): Promise<Ran> => {
  const folder = context();
  const args = ["--secret", `id=token,src=${folder}/token`, "--build-arg", "FLAVOUR=argument-value", ...flags, folder];
  const ran = await run(GANTRY, ["build", ...args], { env: engine.env });
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran;
};

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string };
}
interface Manifest {
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}
interface Statement {
  _type: string;
  predicateType: string;
  subject: { name: string; digest: { sha256: string } }[];
  predicate: Record<string, any>;
}
type Get = (descriptor: Pick<Descriptor, "digest">) => Promise<Buffer>;

const OCI = "application/vnd.oci.image";

/** What a registry has of a name, checked against its digests. */
async function remote(name: string, reference: string): Promise<{ top: Manifest; digest: string; get: Get }> {
  const ask = async (what: string): Promise<Buffer> => {
    const accept = [
      `${OCI}.index.v1+json`,
      `${OCI}.manifest.v1+json`,
      "application/vnd.docker.distribution.manifest.v2+json",
    ];
    const answer = await fetch(`http://${registry.host}/v2/${name}/${what}`, {
      headers: { accept: accept.join(", ") },
    });
    assert.equal(answer.status, 200, what);
    return Buffer.from(await answer.arrayBuffer());
  };
  const get: Get = async ({ digest }) => {
    const bytes = await ask(`manifests/${digest}`).catch(() => ask(`blobs/${digest}`));
    assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, digest);
    return bytes;
  };
  const bytes = await ask(`manifests/${reference}`);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return { top: JSON.parse(bytes.toString()) as Manifest, digest, get };
}

/** The statements of an index, by type; what has to hold of any of them is checked. */
async function statements(index: Manifest, get: Get): Promise<Map<string, Statement>> {
  assert.equal(index.mediaType, `${OCI}.index.v1+json`);
  const [image, attested] = index.manifests;
  assert.ok(image && attested);
  assert.deepEqual(attested.platform, { architecture: "unknown", os: "unknown" });
  assert.deepEqual(attested.annotations, {
    "vnd.docker.reference.digest": image.digest,
    "vnd.docker.reference.type": "attestation-manifest",
  });
  const manifest = JSON.parse((await get(attested)).toString()) as Manifest;
  const config = JSON.parse((await get(manifest.config)).toString()) as { rootfs: { diff_ids: string[] } };
  assert.deepEqual(
    config.rootfs.diff_ids,
    manifest.layers.map(({ digest }) => digest),
  );
  const found = new Map<string, Statement>();
  for (const layer of manifest.layers) {
    const said = JSON.parse((await get(layer)).toString()) as Statement;
    assert.equal(layer.mediaType, "application/vnd.in-toto+json");
    assert.equal(said._type, "https://in-toto.io/Statement/v0.1");
    assert.equal(layer.annotations?.["in-toto.io/predicate-type"], said.predicateType);
    for (const { digest } of said.subject) assert.equal(`sha256:${digest.sha256}`, image.digest);
    found.set(said.predicateType, said);
  }
  return found;
}

const PROVENANCE = "https://slsa.dev/provenance/v0.2";
const SPDX = "https://spdx.dev/Document";

/** The rules of SPDX 2.3 that a reader relies on. */
function checkSpdx(document: Record<string, any>): void {
  assert.equal(document["spdxVersion"], "SPDX-2.3");
  assert.equal(document["dataLicense"], "CC0-1.0");
  assert.equal(document["SPDXID"], "SPDXRef-DOCUMENT");
  assert.match(document["documentNamespace"], /^[a-z]+:[^#]+$/);
  assert.match(document["creationInfo"].created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  for (const creator of document["creationInfo"].creators) assert.match(creator, /^(Person|Organization|Tool): /);
  const ids = new Set<string>(["SPDXRef-DOCUMENT"]);
  for (const one of document["packages"]) {
    assert.match(one.SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/);
    assert.ok(!ids.has(one.SPDXID));
    ids.add(one.SPDXID);
    for (const field of ["name", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"])
      assert.ok(one[field], field);
    assert.equal(one.filesAnalyzed, false);
    for (const reference of one.externalRefs ?? []) {
      assert.equal(reference.referenceCategory, "PACKAGE-MANAGER");
      assert.match(reference.referenceLocator, /^pkg:[a-z]+\/\S+@\S+$/);
    }
  }
  for (const { spdxElementId, relatedSpdxElement } of document["relationships"]) {
    assert.ok(ids.has(spdxElementId) && ids.has(relatedSpdxElement));
  }
}

describe("attestations", () => {
  it("go to a registry in an index, as BuildKit's do, and again when the image is pushed later", async () => {
    const folder = fs.mkdtempSync(path.join(engine.folder, "out-"));
    const metadata = path.join(folder, "metadata.json");
    const flags = ["--provenance=mode=max", "--sbom=true", "--metadata-file", metadata, "--push"];
    await build("-t", `${registry.host}/shop:1`, ...flags);
    const { top, digest, get } = await remote("shop", "1");
    const said = await statements(top, get);
    assert.deepEqual([...said.keys()].toSorted(), [PROVENANCE, SPDX].toSorted());
    assert.deepEqual(
      said.get(SPDX)?.subject.map(({ name }) => name),
      [`pkg:docker/${registry.host}/shop@1?platform=linux%2F${process.arch === "x64" ? "amd64" : process.arch}`],
    );

    const written = JSON.parse(fs.readFileSync(metadata, "utf8")) as Record<string, any>;
    assert.equal(written["containerimage.digest"], digest);
    assert.deepEqual(written["containerimage.descriptor"].digest, digest);
    assert.equal(written["containerimage.descriptor"].mediaType, `${OCI}.index.v1+json`);
    assert.deepEqual(written["buildx.build.provenance"], said.get(PROVENANCE)?.predicate);

    await engine.ok("tag", `${registry.host}/shop:1`, `${registry.host}/later:2`);
    await engine.ok("push", `${registry.host}/later:2`);
    const later = await remote("later", "2");
    assert.equal((await statements(later.top, later.get)).size, 2);
    assert.equal(later.top.manifests[0]?.digest, top.manifests[0]?.digest);

    await engine.ok("rmi", `${registry.host}/shop:1`, `${registry.host}/later:2`);
    const id = (await engine.ok("pull", "-q", `${registry.host}/shop:1`)).trim();
    assert.equal(id, `${registry.host}/shop:1`);
    assert.equal(
      (await engine.ok("run", "--rm", id, "cat", "/etc/os-release")).trim(),
      FILES["etc/os-release"]?.trim(),
    );
  });

  it("say what a build was made of; values of arguments in mode=max only, secrets never", async () => {
    for (const mode of ["min", "max"]) {
      await build(
        "-t",
        `${registry.host}/${mode}:1`,
        `--provenance=mode=${mode},builder-id=https://ci.example`,
        "--push",
      );
      const { top, get } = await remote(mode, "1");
      const said = (await statements(top, get)).get(PROVENANCE)!;
      const { predicate } = said;
      assert.equal(predicate["builder"].id, "https://ci.example");
      assert.match(predicate["buildType"], /^[a-z]+:/);
      const id = await engine.ok("inspect", "-f", "{{.Id}}", "busybox");
      assert.match(predicate["materials"][0].uri, /^pkg:docker\/busybox@latest\?platform=linux%2F/);
      assert.equal(`sha256:${predicate["materials"][0].digest.sha256}`, id);
      assert.equal(predicate["invocation"].configSource.entryPoint, "Dockerfile");
      assert.ok(Date.parse(predicate["metadata"].buildStartedOn) <= Date.parse(predicate["metadata"].buildFinishedOn));
      const text = JSON.stringify(said);
      assert.doesNotMatch(text, /much-hidden/);
      if (mode === "min") {
        assert.doesNotMatch(text, /argument-value/);
        assert.equal(predicate["buildConfig"], undefined);
      } else {
        assert.equal(predicate["invocation"].parameters.args["build-arg:FLAVOUR"], "argument-value");
        assert.deepEqual(predicate["invocation"].parameters.secrets, [{ id: "token", optional: true }]);
        assert.equal(predicate["buildConfig"].steps.length, 5);
      }
    }
  });

  it("list what is installed", async () => {
    const file = path.join(fs.mkdtempSync(path.join(engine.folder, "out-")), "image.tar");
    await build("-t", "listed:1", "--sbom=true", "-o", `type=oci,dest=${file}`);
    const entry = (name: string): Buffer => execFileSync("tar", ["xOf", file, name], { maxBuffer: 1 << 28 });
    const get: Get = async ({ digest }) => entry(`blobs/sha256/${digest.slice(7)}`);
    const layout = JSON.parse(entry("index.json").toString()) as Manifest;
    const said = await statements(JSON.parse((await get(layout.manifests[0]!)).toString()) as Manifest, get);
    const { predicate } = said.get(SPDX)!;
    checkSpdx(predicate);
    const purls = predicate["packages"].flatMap(
      (one: Record<string, any>) => one["externalRefs"]?.[0].referenceLocator ?? [],
    );
    assert.deepEqual(purls, [
      "pkg:apk/debian/musl@1.2.4-r2?arch=x86_64&distro=debian-12",
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
      "pkg:npm/%40scope/tool@1.0.0",
      "pkg:npm/plain@2.0.0",
      "pkg:pypi/some-thing@3.0",
    ]);
    assert.match(await engine.ok("load", "-i", file), /listed:1/);
  });

  it("are files beside those of a folder", async () => {
    const folder = fs.mkdtempSync(path.join(engine.folder, "out-"));
    await build("--provenance=true", "--sbom=true", "-o", folder);
    const read = (name: string): Statement => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")) as Statement;
    assert.equal(read("provenance.json").predicateType, PROVENANCE);
    checkSpdx(read("sbom.spdx.json").predicate);
    assert.ok(fs.existsSync(path.join(folder, "var/lib/dpkg/status")));
  });

  it("are made when asked for only, and gone after a build without", async () => {
    await build("-t", `${registry.host}/plain:1`, "--label", "only=here", "--provenance=true", "--push");
    await build("-t", `${registry.host}/plain:2`, "--label", "only=here", "--provenance=false", "--push");
    const { top } = await remote("plain", "2");
    assert.equal(top.manifests, undefined);
    assert.equal(top.mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  });
});

describe("annotations", () => {
  it("are where they were wished for; labels stay with the image", async () => {
    const given = ["a=1", "manifest:b=2", "index:c=3", "manifest-descriptor:d=4", "index,manifest:e=x:y=z"];
    await build("-t", `${registry.host}/noted:1`, ...given.flatMap((one) => ["--annotation", one]), "--push");
    const { top, get } = await remote("noted", "1");
    assert.deepEqual(top.annotations, { c: "3", e: "x:y=z" });
    assert.deepEqual(top.manifests[0]?.annotations, { d: "4" });
    const manifest = JSON.parse((await get(top.manifests[0]!)).toString()) as Manifest;
    assert.deepEqual(manifest.annotations, { a: "1", b: "2", e: "x:y=z" });
    assert.equal(manifest.mediaType, `${OCI}.manifest.v1+json`);
    for (const { mediaType } of manifest.layers) assert.equal(mediaType, `${OCI}.layer.v1.tar+gzip`);
    assert.equal(await engine.ok("inspect", "-f", "{{json .Config.Labels}}", `${registry.host}/noted:1`), '{"a":"b"}');
  });

  it("make no index of themselves", async () => {
    await build("-t", `${registry.host}/noted:2`, "--annotation", "a=1", "--push");
    const { top } = await remote("noted", "2");
    assert.deepEqual(top.annotations, { a: "1" });
  });
});

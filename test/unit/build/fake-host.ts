import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { GantryError } from "../../../src/base/errors.ts";
import type { Digest, ImageConfig } from "../../../src/base/image-config.ts";
import type { BuildEvent } from "../../../src/base/build-events.ts";
import type { ProgressEvent } from "../../../src/base/progress.ts";
import { Builder } from "../../../src/build/builder.ts";
import type { BuildRequest } from "../../../src/build/context.ts";
import type { BuildHost, RunStep } from "../../../src/build/host.ts";
import type { ImageRecord } from "../../../src/engine/images/contract.ts";
import { Holds } from "../../../src/engine/images/holds.ts";
import type {
  BuildFiles,
  CacheFolderOptions,
  CopyRequest,
  DigestOptions,
  FoundSource,
  PartMatcher,
} from "../../../src/ports/build-files.ts";
import type { RegistryAuth } from "../../../src/ports/remote-registry.ts";
import type { Layer, LayerStore } from "../../../src/ports/layer-store.ts";
import { ClassicWords } from "../../../src/server/encode/classic-build.ts";
import type { StateChange } from "../../../src/ports/state-store.ts";

export interface Node {
  kind: "file" | "folder";
  content: string;
  owner: string;
  mode: number;
}
/** A tree by path without leading slash. */
export type Tree = Map<string, Node>;

const sha = (data: unknown): string => createHash("sha256").update(JSON.stringify(data)).digest("hex");
const file = (content: string, owner = "0:0", mode = 0o644): Node => ({ kind: "file", content, owner, mode });
const trim = (path: string): string =>
  path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");

/** Clients of this engine send tars. */
const noContexts: BuildHost["contexts"] = {
  open: () => Promise.reject(new Error("no folders are kept")),
  list: () => [],
  remove: async () => 0,
};

/** An engine in memory: trees for folders, a function for RUN. */
export class FakeHost implements BuildHost {
  readonly trees = new Map<string, Tree>();
  readonly layerTrees = new Map<Digest, Tree>();
  readonly layerRecords = new Map<Digest, Layer>();
  readonly workspaces = new Map<string, { parent: Digest | undefined; root: string }>();
  readonly imageRecords = new Map<Digest, ImageRecord>();
  readonly tags = new Map<string, Digest>();
  readonly records = new Map<string, unknown>();
  readonly steps: RunStep[] = [];
  readonly log: string[] = [];
  readonly holds = new Holds();
  readonly platform = { os: "linux", architecture: "amd64" };
  parallelRuns = 4;
  readonly contexts = noContexts;
  onRun: (step: RunStep, tree: Tree) => number | Promise<number> = () => 0;
  registry = new Map<string, ImageRecord>();
  urls = new Map<string, { filename?: string; body: string }>();
  freeBytes = 1000;
  private readonly caches = new Set<string>();
  private count = 0;

  private next(prefix: string): string {
    this.count += 1;
    return `${prefix}${this.count}`;
  }

  tree(root: string): Tree {
    const tree = this.trees.get(root);
    if (tree === undefined) throw new Error(`no such root: ${root}`);
    return tree;
  }

  /** Temporary things that are still there. */
  leftovers(): string[] {
    return [...this.trees.keys(), ...this.workspaces.keys()].filter((name) => !this.caches.has(name));
  }

  readonly clock = {
    now: () => 0,
    stamp: () => `2026-01-01T00:00:00.${String(++this.count).padStart(9, "0")}Z`,
    after: () => () => {},
  };

  readonly ids = { id: () => sha(this.next("id")), name: () => "brave_test" };

  readonly state = {
    get: <T>(bucket: string, key: string) => this.records.get(`${bucket}/${key}`) as T | undefined,
    list: <T>(bucket: string) =>
      [...this.records]
        .filter(([key]) => key.startsWith(`${bucket}/`))
        .map(([key, value]): [string, T] => [key.slice(bucket.length + 1), value as T]),
    commit: (changes: StateChange[]) => {
      this.log.push("commit");
      for (const { bucket, key, value } of changes) {
        if (value === undefined) this.records.delete(`${bucket}/${key}`);
        else this.records.set(`${bucket}/${key}`, value);
      }
    },
    synced: async () => {},
    close: () => {},
  };

  /** Makes an image with one layer of these files. */
  image(name: string, files: Record<string, string>, config: ImageConfig["config"] = {}): ImageRecord {
    const diff: Tree = new Map(Object.entries(files).map(([path, content]) => [path, file(content)]));
    const layer = this.addLayer(undefined, diff, diff);
    const record = this.addImage({ architecture: "amd64", os: "linux", config, history: [{ created_by: "base" }] }, [
      layer.chainId,
    ]);
    this.tags.set(name, record.id);
    return record;
  }

  private addLayer(parent: Digest | undefined, diff: Tree, whole: Tree): Layer {
    const diffId = `sha256:${sha([...diff])}`;
    const chainId = parent === undefined ? diffId : `sha256:${sha([parent, diffId])}`;
    const layer: Layer = {
      chainId,
      diffId,
      size: diff.size,
      dir: chainId.slice(7, 19),
      ...(parent === undefined ? {} : { parent }),
    };
    this.layerRecords.set(chainId, layer);
    this.layerTrees.set(chainId, new Map(whole));
    return layer;
  }

  private addImage(config: Omit<ImageConfig, "rootfs">, chain: Digest[]): ImageRecord {
    const diffIds = chain.map((id) => this.layerRecords.get(id)?.diffId ?? "");
    const full: ImageConfig = { ...config, rootfs: { type: "layers", diff_ids: diffIds } };
    const record: ImageRecord = { id: `sha256:${sha(full)}`, config: full, chain, size: 0, manifests: [] };
    this.imageRecords.set(record.id, record);
    return record;
  }

  readonly images = {
    findArtifact: async () => undefined,
    pushArtifact: async () => Promise.reject(new Error("no registry is here")),
    artifactLayout: (): AsyncGenerator<Buffer> => {
      throw new Error("not used by builds of this engine");
    },
    wrap: async () => {},
    digestsIn: () => [],
    saveAs: async (id: Digest, { names }: { names: string[] }) => Readable.from([JSON.stringify({ id, names })]),
    remove: async (id: Digest) => this.imageRecords.delete(id),
    resolve: (reference: string): ImageRecord => {
      const name = reference.includes(":") ? reference : `${reference}:latest`;
      const record = this.imageRecords.get(this.tags.get(name) ?? reference);
      if (record) return record;
      throw new GantryError("notFound", "NO_SUCH_IMAGE", `No such image: ${name}`);
    },
    tagsOf: (id: Digest) => [...this.tags].filter(([, one]) => one === id).map(([name]) => name),
    add: async (config: Omit<ImageConfig, "rootfs">, chain: Digest[], tags: string[]) => {
      this.log.push("add");
      const record = this.addImage(config, chain);
      for (const tag of tags) this.tags.set(tag, record.id);
      return record;
    },
  };

  async pull(reference: string): Promise<ImageRecord> {
    const record = this.registry.get(reference);
    this.log.push(`pull ${reference}`);
    if (record === undefined)
      throw new GantryError("notFound", "MANIFEST_UNKNOWN", `manifest for ${reference} not found`);
    return record;
  }

  authFor(): { auth?: RegistryAuth } {
    return {};
  }

  imageLayers(): Set<Digest> {
    return new Set([...this.imageRecords.values()].flatMap((image) => image.chain));
  }

  tag(id: Digest, reference: string): void {
    this.tags.set(reference, id);
  }

  async reclaim(chains: Digest[]): Promise<{ layers: Digest[]; size: number }> {
    for (const chain of chains) this.layerRecords.delete(chain);
    return { layers: chains, size: chains.length };
  }

  private diffOf(id: string): Tree {
    const workspace = this.workspaces.get(id);
    if (workspace === undefined) throw new Error(`no workspace ${id}`);
    const below = workspace.parent === undefined ? new Map<string, Node>() : this.layerTrees.get(workspace.parent);
    return new Map(
      [...this.tree(workspace.root)].filter(
        ([path, node]) => JSON.stringify(below?.get(path)) !== JSON.stringify(node),
      ),
    );
  }

  readonly layers: LayerStore = {
    get: (chainId: Digest) => this.layerRecords.get(chainId),
    list: () => [...this.layerRecords.values()],
    sync: async () => void this.log.push("sync"),
    mount: async (id: string, parent: Digest | undefined) => {
      this.log.push("mount");
      const root = `ws-${id}`;
      this.trees.set(root, new Map(parent === undefined ? [] : this.layerTrees.get(parent)));
      this.workspaces.set(id, { parent, root });
      return { id, mountPoint: root, upper: `upper-${id}` };
    },
    remount: () => Promise.reject(new Error("not used by builds")),
    remapped: (file: string) => file,
    view: async (id: string, chainId: Digest) => {
      this.log.push("view");
      const path = `view-${id}`;
      this.trees.set(path, new Map(this.layerTrees.get(chainId)));
      return { path, close: async () => void this.trees.delete(path) };
    },
    addFromWorkspace: async (id: string) => {
      const workspace = this.workspaces.get(id);
      if (workspace === undefined) throw new Error(`no workspace ${id}`);
      const layer = this.addLayer(workspace.parent, this.diffOf(id), this.tree(workspace.root));
      await this.layers.removeWorkspace(id);
      return layer;
    },
    removeWorkspace: async (id: string) => {
      this.trees.delete(`ws-${id}`);
      this.workspaces.delete(id);
    },
    listWorkspaces: () => [...this.workspaces.keys()],
    unmount: async () => {},
    remove: async (chainId: Digest) => void this.layerRecords.delete(chainId),
    addFromTar: () => Promise.reject(new Error("not used by builds")),
    tar: () => Readable.from([]),
    changes: async () => [],
    mountedAt: () => undefined,
    folders: () => ({ lower: [], upper: "", work: "", merged: "" }),
    addCopy: () => Promise.reject(new Error("not used by builds")),
    diskUse: async () => ({ rw: 0, rootFs: 0 }),
  };

  readonly archive = {
    extract: async (input: Readable, root: string) => {
      const tree = this.tree(root);
      for (const [path, content] of Object.entries(JSON.parse(await text(input)) as Record<string, string>)) {
        for (const parent of parentsOf(path))
          tree.set(parent, { kind: "folder", content: "", owner: "0:0", mode: 0o755 });
        tree.set(path, file(content));
      }
      return { digest: "", size: 0, entries: tree.size };
    },
    pack: () => Readable.from([]),
  };

  readonly downloads = {
    open: async (url: string) => {
      const found = this.urls.get(url);
      if (found === undefined)
        throw new GantryError("unavailable", "DOWNLOAD_FAILED", `failed to GET ${url} with status 404`);
      return {
        body: Readable.from([Buffer.from(found.body)]),
        ...(found.filename === undefined ? {} : { filename: found.filename }),
      };
    },
  };

  readonly git = {
    checkout: async (): Promise<never> => {
      throw new GantryError("unavailable", "GIT_FAILED", "there are no repositories here");
    },
  };

  private content(root: string, source: FoundSource, excluded = (_path: string): boolean => false): [string, Node][] {
    const path = trim(source.path);
    const tree = this.tree(root);
    if (source.kind === "file") {
      const node = tree.get(path);
      return node ? [[path.split("/").at(-1) ?? "", node]] : [];
    }
    const prefix = path === "" ? "" : `${path}/`;
    return [...tree]
      .filter(([name]) => name.startsWith(prefix) && name !== path)
      .map(([name, node]): [string, Node] => [name.slice(prefix.length), node])
      .filter(([name]) => ![...parentsOf(name), name].some(excluded));
  }

  readonly files: BuildFiles = {
    scratch: async () => {
      const root = this.next("scratch-");
      this.trees.set(root, new Map());
      return root;
    },
    discard: async (folder: string) => {
      for (const root of this.trees.keys()) if (`${root}/`.startsWith(`${folder}/`)) this.trees.delete(root);
    },
    sweep: async () => {},
    cacheFolder: async (key: string, { fill }: CacheFolderOptions) => {
      const folder = `cache-${key}`;
      if (this.caches.has(folder)) return folder;
      this.caches.add(folder);
      this.trees.set(folder, new Map());
      await fill?.(folder);
      return folder;
    },
    cacheFolders: () => [...this.caches].map((folder) => folder.slice("cache-".length)),
    cacheSize: async (key: string) => this.tree(`cache-${key}`).size,
    removeCacheFolder: async (key: string) => {
      this.caches.delete(`cache-${key}`);
      this.trees.delete(`cache-${key}`);
    },
    freeBytes: () => this.freeBytes,
    readText: (root: string, path: string) => this.tree(root).get(trim(path))?.content,
    writeText: (root: string, path: string, content: string, mode: number) =>
      void this.tree(root).set(path, file(content, "0:0", mode)),
    writeStream: async (root: string, path: string, body: Readable, options: { mode: number }) => {
      const content = await text(body);
      this.tree(root).set(path, file(content, "0:0", options.mode));
      return createHash("sha256").update(content).digest("hex");
    },
    removeExcluded: async (root: string, excluded: (path: string) => boolean) => {
      for (const path of this.tree(root).keys()) if (excluded(path)) this.tree(root).delete(path);
    },
    find: (root: string, source: string, matcher?: PartMatcher) => {
      const path = trim(source);
      const tree = this.tree(root);
      const found = (name: string): FoundSource => ({
        path: name,
        kind: name === "" || tree.get(name)?.kind === "folder" ? "folder" : "file",
      });
      if (matcher) {
        const parts = path.split("/").map(matcher);
        const fits = (name: string): boolean => {
          const names = name.split("/");
          return names.length === parts.length && parts.every((part, i) => part === "deep" || part(names[i] ?? ""));
        };
        return [...tree.keys()].filter(fits).toSorted().map(found);
      }
      if (path !== "" && !tree.has(path))
        throw new GantryError("notFound", "NO_SUCH_FILE", `stat ${source}: file does not exist`);
      return [found(path)];
    },
    digest: async (root: string, source: FoundSource, options: DigestOptions) =>
      sha(
        this.content(root, source, options.exclude).map(([name, node]) => {
          const digest = sha([name, node.kind, node.content, node.mode, options.owners ? node.owner : ""]);
          options.onFile?.(source.kind === "file" ? "" : name, digest);
          return digest;
        }),
      ),
    copy: async (request: CopyRequest) => {
      const to = this.tree(request.targetRoot);
      const goal = trim(request.target);
      const owner = request.owner && `${request.owner.uid}:${request.owner.gid}`;
      const into = request.source.kind === "folder" || request.target.endsWith("/") || to.get(goal)?.kind === "folder";
      for (const [name, node] of this.content(request.root, request.source, request.exclude)) {
        const path = into ? trim(`${goal}/${name}`) : goal;
        for (const parent of parentsOf(path))
          if (!to.has(parent)) to.set(parent, { kind: "folder", content: "", owner: owner ?? "0:0", mode: 0o755 });
        to.set(path, { ...node, owner: owner ?? node.owner, mode: request.mode?.(node.mode, node.kind) ?? node.mode });
      }
    },
    makeFolder: (root: string, path: string) => {
      const tree = this.tree(root);
      for (const parent of [...parentsOf(trim(path)), trim(path)]) {
        if (parent !== "" && !tree.has(parent))
          tree.set(parent, { kind: "folder", content: "", owner: "0:0", mode: 0o755 });
      }
      const real = `${root}/${trim(path)}`;
      if (root.startsWith("scratch-")) this.trees.set(real, new Map());
      return real;
    },
    openArchive: async () => undefined,
    realPath: (root: string, path: string) => `${root}/${trim(path)}`,
    missing: () => [],
    removeStubs: () => {},
    clampTimes: () => {},
    isEmpty: (folder: string) => this.diffOf(folder.replace(/^upper-/, "")).size === 0,
  };

  async run(step: RunStep): Promise<number> {
    this.steps.push(step);
    return this.onRun(step, this.tree(step.rootfs));
  }
}

function parentsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

export const request = (overrides: Partial<BuildRequest> = {}): BuildRequest => ({
  dockerfile: "Dockerfile",
  tags: [],
  noCache: false,
  noCacheFilter: [],
  annotations: {},
  attest: { sbom: false },
  cacheFrom: [],
  cacheTo: [],
  explain: false,
  shellOnFail: false,
  pull: false,
  buildArgs: {},
  labels: {},
  contexts: {},
  outputs: [],
  hostConfig: {},
  auth: {},
  ...overrides,
});

export interface Outcome {
  id: Digest;
  image: ImageRecord;
  /** As the classic builder words it. */
  output: string;
  lines: ProgressEvent[];
  events: BuildEvent[];
}

/** Builds a context given as path → content. */
export async function build(
  host: FakeHost,
  files: Record<string, string>,
  overrides: Partial<BuildRequest> = {},
  options: { signal?: AbortSignal; onEvent?: (event: BuildEvent) => void; builder?: Builder } = {},
): Promise<Outcome> {
  const events: BuildEvent[] = [];
  const lines: ProgressEvent[] = [];
  const words = new ClassicWords((line) => void lines.push(line), { removes: true });
  const context = Readable.from([Buffer.from(JSON.stringify(files))]);
  const emit = (event: BuildEvent): void => {
    events.push(event);
    words.hear(event);
    options.onEvent?.(event);
  };
  const id = await (options.builder ?? new Builder(host)).build(
    request(overrides),
    { tar: context },
    emit,
    options.signal ?? new AbortController().signal,
  );
  const image = host.imageRecords.get(id);
  if (image === undefined) throw new Error("the image is not stored");
  return { id, image, output: lines.map((line) => line.stream ?? "").join(""), lines, events };
}

/** The files of an image. */
export const filesOf = (host: FakeHost, image: ImageRecord): Tree =>
  host.layerTrees.get(image.chain.at(-1) ?? "") ?? new Map();

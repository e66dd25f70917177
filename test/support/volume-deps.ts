import type { VolumesDeps } from "../../src/engine/volumes/volumes.ts";
import type { VolumeFiles } from "../../src/ports/volume-files.ts";
import type { VolumePlugins } from "../../src/ports/volume-plugins.ts";
import { GantryError } from "../../src/base/errors.ts";
import { MemoryStateStore } from "./memory-state.ts";

/** Folders of volumes that are only names. */
export function namedFolders(over: Partial<VolumeFiles> = {}): VolumeFiles {
  return {
    dataPath: (name) => `/volumes/${name}/_data`,
    create: () => {},
    remove: async () => {},
    list: () => [],
    size: async () => 0,
    mount: async () => {},
    unmount: () => {},
    copyUp: async () => {},
    subpath: (folder, subpath) => `${folder}/${subpath}`,
    ...over,
  };
}

export const noPlugins: VolumePlugins = {
  find: async (name) => {
    const words = `error looking up volume plugin ${name}: plugin "${name}" not found`;
    throw new GantryError("notFound", "NO_SUCH_DRIVER", words);
  },
  all: async () => ({ plugins: [], failures: [] }),
};

/** What `Volumes` needs, with nothing behind it. */
export function volumeDeps(over: Partial<VolumesDeps> = {}): VolumesDeps {
  return {
    state: new MemoryStateStore(),
    files: namedFolders(),
    plugins: noPlugins,
    clock: { now: () => 0, stamp: () => "2026-01-01T00:00:00.000000001Z", after: () => () => {} },
    ids: { id: () => "ab".repeat(32), name: () => "x" },
    events: { publish: () => {} },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    containers: { containersUsing: () => [], beingCreated: () => false },
    ...over,
  };
}

import fs from "node:fs";
import path from "node:path";
import { FileBlobStore } from "../../../src/drivers/blobs/blob-store.ts";
import { OverlayLayerStore } from "../../../src/drivers/overlayfs/layer-store.ts";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { SqliteStateStore } from "../../../src/drivers/sqlite/state-store.ts";
import { Images } from "../../../src/engine/images/images.ts";
import { testArchive } from "../../support/tar-archive.ts";
import { quiet } from "../../unit/engine/images/fakes.ts";
import { systemClock } from "../registry-http/clock.ts";

export interface RealImages {
  images: Images;
  blobs: FileBlobStore;
  layers: OverlayLayerStore;
  close(): Promise<void>;
}

/** Images over the real stores in a folder, as gantryd opens them. */
export function openImages(root: string): RealImages {
  fs.mkdirSync(root, { recursive: true });
  const state = new SqliteStateStore(path.join(root, "state.db"));
  const archive = testArchive();
  const blobs = new FileBlobStore(path.join(root, "blobs"));
  const layers = new OverlayLayerStore({ root, state, archive });
  const registry = new HttpRegistry({ clock: systemClock, retryPauseMs: 5 });
  const images = new Images({
    layers,
    blobs,
    state,
    registry,
    clock: systemClock,
    logger: quiet,
    applyChanges: (config) => config,
    usage: { containersUsing: () => [] },
    platform: { os: "linux", architecture: "amd64" },
    layersRoot: path.join(root, "layers"),
    retryPauseMs: 5,
  });
  return {
    images,
    blobs,
    layers,
    async close() {
      registry.close();
      await layers.settled();
      await archive.close();
      state.close();
    },
  };
}

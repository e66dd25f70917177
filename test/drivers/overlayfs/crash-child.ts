// Adds layers from tars and from workspaces until it is killed. Argument: the data root.
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { OverlayLayerStore } from "../../../src/drivers/overlayfs/layer-store.ts";
import { SqliteStateStore } from "../../../src/drivers/sqlite/state-store.ts";
import { testArchive } from "../../support/tar-archive.ts";
import { archive as tar } from "../../support/tar-maker.ts";

const root = process.argv[2]!;
const state = new SqliteStateStore(path.join(root, "state.db"));
const store = new OverlayLayerStore({ root, state, archive: testArchive() });
process.stdout.write("ready\n");
let parent: string | undefined;
for (let i = 0; i < 100; i++) {
  const bytes = tar(
    ...Array.from({ length: 40 }, (_, k) => ({ name: `step${i}/file${k}`, content: `${i} ${k}`.repeat(99) })),
  );
  parent = (await store.addFromTar(parent, Readable.from([bytes], { objectMode: false }))).chainId;
  const { mountPoint } = await store.mount(`w${i}`, parent);
  for (let k = 0; k < 10; k++) fs.writeFileSync(path.join(mountPoint, `made${i}-${k}`), "x".repeat(3000));
  parent = (await store.addFromWorkspace(`w${i}`)).chainId;
}

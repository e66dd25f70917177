import type { IdMap } from "../base/id-map.ts";
import { zstd } from "../drivers/tar/compress.ts";
import { gzip } from "../engine/images/gzip.ts";
import { VolumeClone, type VolumeCloneDeps } from "../engine/volumes/clone.ts";
import { VolumeRename, type VolumeRenameDeps } from "../engine/volumes/rename.ts";
import { VolumeTransfer, type VolumeTransferDeps } from "../engine/volumes/transfer.ts";
import { VolumeUsages } from "../engine/volumes/volume-usage.ts";
import type { VolumeWorkRoutesDeps } from "../server/routes/volume-work.ts";

/** What one does with whole volumes: moves, clones, renames and measures them. */
export function volumeWorkOf(
  deps: VolumeCloneDeps & Pick<VolumeRenameDeps, "state"> & Pick<VolumeTransferDeps, "archive" | "logger">,
  idMap: IdMap | undefined,
): Omit<VolumeWorkRoutesDeps, "volumes"> {
  return {
    transfer: new VolumeTransfer({ ...deps, compress: { gzip, zstd }, ...(idMap && { idMap }) }),
    clone: new VolumeClone(deps),
    rename: new VolumeRename(deps),
    usage: new VolumeUsages(deps),
  };
}

import type { ExplainedMount, FilesSection } from "../../base/explanation.ts";
import type { MountView } from "../../ports/kernel-view.ts";
import type { ContainerRecord, MountPoint } from "../containers/record.ts";
import type { ExplainerDeps } from "./deps.ts";
import { explainLayers, type LayerFacts, overlayOption } from "./layers.ts";
import { explainMounts } from "./mounts.ts";
import { byHand, word } from "./words.ts";

const FIRST_CHANGES = 8;

export function layerFacts(deps: ExplainerDeps): LayerFacts {
  const images = deps.images.list({ all: true }).map(({ Id }) => deps.images.resolve(Id));
  return {
    layer: (chainId) => deps.layers.get(chainId as `sha256:${string}`),
    layersRoot: deps.layersRoot,
    namesIn: (folder) => deps.kernel.namesIn(folder),
    usersOf: (chainId) =>
      images
        .filter(({ chain }) => chain.some((other) => other === chainId))
        .map(({ id }) => ({ id, name: deps.images.tagsOf(id)[0] ?? id.slice(7, 19) })),
  };
}

const LETTERS = ["C", "A", "D"];

async function writableOf(
  deps: ExplainerDeps,
  record: ContainerRecord,
): Promise<NonNullable<FilesSection["writable"]>> {
  const changes = await deps.containers.changes(record.id);
  const { rw } = await deps.containers.sizes(record);
  return {
    folder: `${deps.workspacesRoot}/${record.id}/upper`,
    size: rw,
    changes: changes.length,
    first: changes.slice(0, FIRST_CHANGES).map(({ kind, path }) => `${LETTERS[kind]} ${path}`),
  };
}

const fromOf = (row: MountPoint): string => (row.Type === "volume" ? (row.Name ?? "") : row.Source) || row.Type;

/** Layers, the writable one and the mounts. `mounts`: of process 1, while it runs. */
export async function explainFiles(
  deps: ExplainerDeps,
  record: ContainerRecord,
  mounts: readonly MountView[] | undefined,
  pid: number | undefined,
): Promise<FilesSection> {
  const { id } = record;
  const image = deps.images.resolve(record.imageId);
  const root = mounts?.findLast(({ target }) => target === "/");
  const lower = root && overlayOption(root.superOptions, "lowerdir");
  const own = new Map(deps.files.etc(id).map(({ destination, source }) => [destination, source]));
  const tmpfs = Object.keys(record.hostConfig.Tmpfs ?? {});
  const shown: ExplainedMount[] | undefined = mounts && explainMounts(mounts, { rows: record.mounts, tmpfs, own });
  const writable = deps.layers.listWorkspaces().includes(id) ? await writableOf(deps, record) : undefined;
  return {
    image: { id: image.id, name: deps.imageName(record) },
    layers: explainLayers(image, layerFacts(deps), lower),
    ...(writable && { writable }),
    ...(shown && { mounts: shown }),
    asked: [
      ...record.mounts.map((row) => ({
        destination: row.Destination,
        type: row.Type,
        from: fromOf(row),
        writable: row.RW,
      })),
      ...tmpfs.map((destination) => ({ destination, type: "tmpfs", from: "memory", writable: true })),
    ],
    byHand: [
      ...(pid === undefined
        ? []
        : [
            byHand(`findmnt -N ${pid}`, "every mount as the container has it"),
            byHand(
              `grep ' / / ' /proc/${pid}/mountinfo`,
              "the overlay: lowerdir are the layers, upperdir the writable one",
            ),
            byHand(`ls /proc/${pid}/root`, "its tree, looked at from outside"),
          ]),
      ...(writable ? [byHand(`find ${word(writable.folder)} -mindepth 1 -ls`, "what it wrote itself")] : []),
      byHand(`gantry diff ${word(record.name)}`, "the same, beside the image"),
    ],
  };
}

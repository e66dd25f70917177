import type { ExplainedLayer } from "../../base/explanation.ts";
import type { Layer } from "../../ports/layer-store.ts";
import type { ImageRecord } from "../images/contract.ts";

/** What layers are made of, for whoever explains them. */
export interface LayerFacts {
  layer: (chainId: string) => Layer | undefined;
  /** Where they lie. */
  layersRoot: string;
  namesIn: (folder: string) => string[];
  /** Names of the images that stand on a layer. */
  usersOf: (chainId: string) => { id: string; name: string }[];
}

/** `lower`: the overlay's lowerdir, where it is mounted. */
export function explainLayers(image: ImageRecord, facts: LayerFacts, lower?: string): ExplainedLayer[] {
  const made = (image.config.history ?? []).filter((entry) => !entry.empty_layer);
  return image.chain.flatMap((chainId, index): ExplainedLayer[] => {
    const layer = facts.layer(chainId);
    if (layer === undefined) return [];
    const folder = `${facts.layersRoot}/${layer.dir}/diff`;
    return [
      {
        diffId: layer.diffId,
        chainId,
        size: layer.size,
        folder,
        createdBy: made[index]?.created_by ?? "",
        adds: facts.namesIn(folder),
        ...(lower !== undefined && { mounted: namesLayer(lower, layer.dir) }),
        sharedWith: facts
          .usersOf(chainId)
          .filter(({ id }) => id !== image.id)
          .map(({ name }) => name),
      },
    ];
  });
}

const namesLayer = (lower: string, dir: string): boolean =>
  lower.split(":").some((folder) => folder === `${dir}/diff` || folder.endsWith(`/${dir}/diff`));

/** One of an overlay's options as mountinfo has them. */
export const overlayOption = (options: string, name: string): string | undefined =>
  options
    .split(",")
    .find((option) => option.startsWith(`${name}=`))
    ?.slice(name.length + 1);

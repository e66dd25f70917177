import type { ImageExplanation } from "../../base/explanation.ts";
import type { ImageRecord } from "../images/contract.ts";
import { explainLayers, type LayerFacts } from "./layers.ts";
import { byHand, word } from "./words.ts";

/** An image: a config and an ordered list of layers, each by digest. */
export function explainImage(
  record: ImageRecord,
  facts: LayerFacts & {
    names: string[];
    containers: ImageExplanation["containers"];
    blobsRoot: string;
  },
): ImageExplanation {
  const { config } = record;
  const settings = config.config ?? {};
  const layers = explainLayers(record, facts);
  const blob = (digest: string): string => `${facts.blobsRoot}/${digest.replace(":", "/")}`;
  const words = (value: string | string[] | null | undefined): string[] =>
    typeof value === "string" ? [value] : (value ?? []);
  const top = layers.at(-1);
  return {
    kind: "image",
    id: record.id,
    names: facts.names,
    platform: `${config.os}/${config.architecture}${config.variant ? `/${config.variant}` : ""}`,
    created: config.created ?? "",
    size: record.size,
    config: {
      entrypoint: words(settings.Entrypoint),
      command: words(settings.Cmd),
      user: settings.User ?? "",
      workingDir: settings.WorkingDir ?? "",
      env: settings.Env ?? [],
      ports: Object.keys(settings.ExposedPorts ?? {}),
    },
    layers,
    manifests: record.manifests.map(({ digest }) => digest),
    containers: facts.containers,
    byHand: [
      byHand(`cat ${word(blob(record.id))}`, "the config: its digest is the image's id"),
      byHand(`sha256sum ${word(blob(record.id))}`, "the digest, computed anew"),
      ...(top === undefined ? [] : [byHand(`ls -la ${word(top.folder)}`, "the top layer, a folder like any other")]),
      byHand(`gantry history --no-trunc ${word(facts.names[0] ?? record.id)}`, "what made each layer"),
    ],
  };
}

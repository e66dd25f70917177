import { GantryError } from "../../base/errors.ts";
import type { ImageConfig, Platform } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import { familiarName, parseReference, withDefaultTag } from "../../base/reference.ts";
import type { BaseImageMaker, BaseImageRecipe } from "../../ports/base-image-maker.ts";
import type { LayerStore } from "../../ports/layer-store.ts";
import type { ImageRecord, ImageSource } from "./contract.ts";

export interface BootstrapRequest {
  /** "busybox", "debian:bookworm" */
  name: string;
  /** Instead of a tag in the name. */
  tag?: string;
  /** http(s) address of the Debian archive to use. */
  mirror?: string;
}

export interface BootstrapPlan {
  recipe: BaseImageRecipe;
  /** The image's name, familiar form with its tag. */
  name: string;
  command: string[];
}

/** Debian's releases: the day each came out, at which the clock is held while its packages are installed. */
const SUITES: Record<string, { version: string; epoch: number }> = {
  bullseye: { version: "11", epoch: Date.UTC(2021, 7, 14) / 1000 },
  bookworm: { version: "12", epoch: Date.UTC(2023, 5, 10) / 1000 },
  trixie: { version: "13", epoch: Date.UTC(2025, 7, 9) / 1000 },
};
const DEFAULT_SUITE = "bookworm";
const SLIM = "-slim";
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const known = (): string =>
  ["busybox", "debian", ...Object.keys(SUITES).flatMap((suite) => [`debian:${suite}`, `debian:${suite}${SLIM}`])].join(
    ", ",
  );

function unknown(name: string): GantryError {
  return new GantryError("invalid", "UNKNOWN_BASE_IMAGE", `cannot make a base image '${name}'`, {
    hint: `there are: ${known()}; anything else comes from a registry (pull) or a file (import, load)`,
  });
}

function checkMirror(mirror: string): void {
  // It ends up in apt's sources, where blanks and brackets have a meaning.
  const fine = /^https?:\/\/[^\s[\]]+$/.test(mirror) && URL.canParse(mirror);
  if (!fine)
    throw new GantryError("invalid", "BAD_MIRROR", `invalid mirror '${mirror}': an http or https address is expected`);
}

/** What to make for a request. Throws invalid UNKNOWN_BASE_IMAGE, BAD_MIRROR, BAD_REFERENCE. */
export function planBootstrap({ name, tag, mirror }: BootstrapRequest): BootstrapPlan {
  const asked = tag === undefined || tag === "" ? name : `${name}:${tag}`;
  const reference = withDefaultTag(parseReference(asked));
  const image = familiarName(reference);
  const [family = ""] = image.split(":");
  if (reference.digest !== undefined || (family !== "busybox" && family !== "debian")) throw unknown(asked);
  if (family === "busybox") {
    if (mirror)
      throw new GantryError("invalid", "BAD_MIRROR", "busybox is made from this machine's own and takes no mirror");
    return { recipe: { family }, name: image, command: ["sh"] };
  }
  if (mirror) checkMirror(mirror);
  const wanted = reference.tag ?? "";
  const slim = wanted.endsWith(SLIM);
  const release = slim ? wanted.slice(0, -SLIM.length) : wanted;
  const found = Object.entries(SUITES).find(
    ([suite, { version }]) =>
      release === suite || release === version || (release === "latest" && suite === DEFAULT_SUITE),
  );
  if (found === undefined) throw unknown(asked);
  const [suite, { epoch }] = found;
  return {
    recipe: { family, suite, slim, epoch, ...(mirror ? { mirror } : {}) },
    name: image,
    command: ["bash"],
  };
}

export interface BootstrapDeps {
  maker: BaseImageMaker;
  layers: Pick<LayerStore, "addFromTar">;
  images: Pick<ImageSource, "add">;
  platform: Platform;
}

/** Makes base images without a registry; afterwards they are images like any other. */
export class Bootstrap {
  private readonly deps: BootstrapDeps;

  constructor(deps: BootstrapDeps) {
    this.deps = deps;
  }

  /** The same packages give the same image id. The last event's `aux` is {"ID": "sha256:…"}. */
  async run(request: BootstrapRequest, onProgress: OnProgress, signal: AbortSignal): Promise<ImageRecord> {
    const { maker, layers, images, platform } = this.deps;
    const plan = planBootstrap(request);
    const onStatus = (status: string): void => onProgress({ id: plan.name, status });
    const record = await maker.make(plan.recipe, { onStatus, signal }, async ({ tar, created }) => {
      onStatus("Storing");
      const layer = await layers.addFromTar(undefined, tar, { signal });
      const config: Omit<ImageConfig, "rootfs"> = {
        architecture: platform.architecture,
        os: platform.os,
        ...(platform.variant === undefined ? {} : { variant: platform.variant }),
        created,
        config: { Env: [`PATH=${DEFAULT_PATH}`], Cmd: plan.command },
        history: [{ created, created_by: `gantry image bootstrap ${describe(plan.recipe)}` }],
      };
      return images.add(config, [layer.chainId], [plan.name]);
    });
    onStatus("Complete");
    onProgress({ aux: { ID: record.id } });
    return record;
  }
}

/** The recipe as words: not the name asked for, so that two names of one recipe are one image. */
function describe(recipe: BaseImageRecipe): string {
  return recipe.family === "busybox" ? recipe.family : `${recipe.family}:${recipe.suite}${recipe.slim ? SLIM : ""}`;
}

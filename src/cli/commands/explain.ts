import { GantryError } from "../../base/errors.ts";
import type { ContainerExplanation, ImageExplanation, NetworkExplanation } from "../../wire/types/explain.ts";
import { command, type Context, exactly } from "../command.ts";
import { Exit } from "../exit.ts";
import { containerPictures } from "../explain/container.ts";
import { draw, type Paper } from "../explain/draw.ts";
import { imagePictures, networkPictures } from "../explain/objects.ts";
import { flag } from "../flags.ts";
import { ttySize } from "../terminal/tty.ts";

type Explanation = ContainerExplanation | ImageExplanation | NetworkExplanation;

/** A section has at most so many lines: a small screen. */
const SCREEN = 24;
const USUAL_WIDTH = 80;

const SECTIONS = {
  processes: "processes",
  namespaces: "namespaces",
  cgroup: "cgroup",
  caps: "capabilities",
  security: "security",
  fs: "files",
  net: "network",
  monitor: "monitor",
} as const;

export default command({
  usage: "[OPTIONS] CONTAINER|IMAGE|NETWORK",
  args: exactly(1),
  completes: [["<container>", "<image>", "<network>"]],
  about:
    "Show what a container is in the kernel: processes, namespaces, control group, capabilities, mounts, links,\n" +
    "and the commands that show the same by hand. Of one that has ended: why. Also for images and networks.",
  flags: {
    all: flag("Don't fold long sections on a terminal"),
    caps: flag("Capabilities only"),
    cgroup: flag("Control group only"),
    fs: flag("Layers and mounts only"),
    json: flag("Print the facts as JSON"),
    monitor: flag("Monitor, log and OCI config only"),
    namespaces: flag("Namespaces only"),
    net: flag("Network only"),
    processes: flag("Processes only"),
    security: flag("Users, seccomp and masked paths only"),
  },
  async run(context, [name = ""], { all, json, ...picked }) {
    const sections = Object.entries(SECTIONS)
      .filter(([key]) => picked[key as keyof typeof SECTIONS])
      .map(([, section]) => section);
    const found = await explain(context, name, sections);
    if (json) {
      context.out.write(`${JSON.stringify(found, undefined, 2)}\n`);
      return;
    }
    const pictures =
      found.kind === "container"
        ? containerPictures(found).slice(sections.length > 0 && found.running ? 1 : 0)
        : found.kind === "image"
          ? imagePictures(found)
          : networkPictures(found);
    const paper = paperOf(context, all);
    context.out.write(`${pictures.map((picture) => draw(picture, paper).join("\n")).join("\n\n")}\n`);
  },
});

/** Elsewhere than on a terminal nothing is cut or folded, so that it can be searched. */
function paperOf({ out, env }: Context, all: boolean): Paper {
  if (!out.isTTY) return { width: Number.POSITIVE_INFINITY, height: Number.POSITIVE_INFINITY, colour: false };
  return {
    width: ttySize().columns || USUAL_WIDTH,
    height: all ? Number.POSITIVE_INFINITY : SCREEN,
    colour: !env["NO_COLOR"] && env["TERM"] !== "dumb",
  };
}

/** A container, else an image, else a network, as `inspect` looks for them. */
async function explain(context: Context, name: string, sections: string[]): Promise<Explanation> {
  const { containers, images, networks } = await context.engine();
  for (const ask of [
    () => containers.explain(name, sections),
    () => images.explain(name),
    () => networks.explain(name),
  ]) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof GantryError) || error.kind !== "notFound") throw error;
      if (/page not found/.test(error.message)) {
        throw new Exit(1, "Error: this engine is not gantryd: it has no explanations");
      }
    }
  }
  throw new Exit(1, `Error: No such container, image or network: ${name}`);
}

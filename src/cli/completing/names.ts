import { humanSizeWithPrecision } from "../../base/units.ts";
import type { ContainerSummary } from "../../wire/types/containers.ts";
import type { ImageSummary } from "../../wire/types/images.ts";
import type { Context } from "../command.ts";
import { DEFAULT_CONTEXT } from "../config/context-name.ts";
import { ContextStore } from "../config/context-store.ts";
import { shortId } from "../format/words.ts";
import type { Candidate, Named } from "./kinds.ts";

const UP = ["running", "paused", "restarting"];
const STATES: Partial<Record<Named, (state: string) => boolean>> = {
  "running container": (state) => UP.includes(state),
  "stopped container": (state) => !UP.includes(state),
  "paused container": (state) => state === "paused",
};

/** All of a kind. An id is offered only for what has no name, or when a beginning of one was typed and fits no name. */
export async function namesOf(kind: Named, context: Context, typed: string): Promise<Candidate[]> {
  const found = await ask(kind, context);
  const named = found.flatMap(({ names, about }) => names.map((value) => ({ value, about })));
  if (!/^[0-9a-f]+$/.test(typed) || named.some(({ value }) => value.startsWith(typed))) return named;
  return found.flatMap(({ id, names, about }) => {
    const value = id.startsWith(typed) ? shortId(id) : "";
    return value.startsWith(typed) ? [{ value, about: [...names, about].join(", ") }] : [];
  });
}

interface Found {
  id: string;
  names: string[];
  about: string;
}

async function ask(kind: Named, context: Context): Promise<Found[]> {
  if (kind === "context") return contexts(context.configDir);
  // Nobody should be asked for a password at a Tab.
  if ((await context.target()).host.startsWith("ssh:")) return [];
  const { containers, images, networks, volumes } = await context.engine();
  if (kind === "image") return (await images.list()).map(foundImage);
  if (kind === "network") {
    return (await networks.list()).map(({ Id: id, Name, Driver: about }) => ({ id, names: [Name], about }));
  }
  if (kind === "volume") {
    return ((await volumes.list()).Volumes ?? []).map(({ Name, Driver: about }) => ({ id: "", names: [Name], about }));
  }
  const fits = STATES[kind] ?? (() => true);
  return (await containers.list({ all: true })).filter(({ State }) => fits(State)).map(foundContainer);
}

const foundContainer = ({ Id, Names, Image, Status }: ContainerSummary): Found => ({
  id: Id,
  names: Names.map((name) => name.replace(/^\//, "")).filter((name) => !name.includes("/")),
  about: `${Image}, ${Status}`,
});

const foundImage = ({ Id, RepoTags, Size }: ImageSummary): Found => ({
  id: Id.replace(/^sha256:/, ""),
  names: (RepoTags ?? []).filter((name) => !name.includes("<none>")),
  about: humanSizeWithPrecision(Size, 3),
});

function contexts(configDir: string): Found[] {
  const stored = new ContextStore(configDir).list();
  return [
    { id: "", names: [DEFAULT_CONTEXT], about: "This machine's engine" },
    ...stored.map(({ Name, Metadata }) => ({ id: "", names: [Name], about: Metadata.Description ?? "" })),
  ];
}

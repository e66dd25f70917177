import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { familiarRepository, normalizedName, parseReference, withDefaultTag } from "../../base/reference.ts";
import type { DistributionInspect } from "../../wire/types/images.ts";
import type { Context } from "../command.ts";
import { credentialsFor } from "../credentials.ts";
import { fileError } from "../file-errors.ts";
import { showProgress } from "../progress/show.ts";
import type { Output } from "../terminal/output.ts";

/** Pushes an image under its names; what the last of them stands for in its registry. */
export async function push(
  context: Context,
  names: string[],
  out: Output,
): Promise<DistributionInspect["Descriptor"] | undefined> {
  if (names.length === 0) throw new Error("tag is needed when pushing to registry: name the image by -t");
  const { images } = await context.engine();
  let pushed: DistributionInspect["Descriptor"] | undefined;
  for (const name of names) {
    const reference = withDefaultTag(parseReference(name));
    const auth = await credentialsFor(context, reference.registry);
    const lines = images.push(familiarRepository(reference), reference.tag ?? "", { auth });
    await showProgress(context, lines, out);
    pushed = (await images.distribution(name, { auth })).Descriptor;
  }
  return pushed;
}

/** `--metadata-file`, by the names that BuildKit's clients read. */
export function writeMetadata(
  context: Context,
  file: string,
  made: {
    id: string;
    names: string[];
    pushed: DistributionInspect["Descriptor"] | undefined;
    provenance: object | undefined;
  },
): void {
  const { id, names, pushed, provenance } = made;
  const metadata = {
    ...(provenance ? { "buildx.build.provenance": provenance } : {}),
    ...(pushed ? { "containerimage.descriptor": pushed, "containerimage.digest": pushed.digest } : {}),
    "containerimage.config.digest": id,
    ...(names.length > 0
      ? { "image.name": names.map((name) => normalizedName(withDefaultTag(parseReference(name)))).join(",") }
      : {}),
  };
  try {
    writeFileSync(resolve(context.cwd, file), `${JSON.stringify(metadata, null, 2)}\n`);
  } catch (error) {
    throw fileError("open", file, error);
  }
}

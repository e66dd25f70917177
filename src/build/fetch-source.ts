import { GantryError } from "../base/errors.ts";
import type { FoundSource } from "../ports/build-files.ts";
import type { Of } from "./parse/instruction.ts";
import type { StepRoom } from "./context.ts";

export const isUrl = (source: string): boolean => /^https?:\/\//i.test(source);

const FETCHED_MODE = 0o600;
const CHECKSUM = /^sha256:[0-9a-f]{64}$/;

/** Downloads an ADD's URL into a folder of the build. The file's name is the URL's, or the target's. */
export async function fetchSource(
  room: StepRoom,
  url: string,
  instruction: Of<"add">,
  target: string,
): Promise<FoundSource & { root: string }> {
  const { checksum } = instruction;
  if (checksum !== undefined && !CHECKSUM.test(checksum)) {
    throw new GantryError("invalid", "BAD_CHECKSUM", `invalid checksum digest format: ${checksum}`);
  }
  const { downloads, files } = room.host;
  const { signal } = room.context;
  const download = await downloads.open(url, signal);
  const name = download.filename ?? "__unnamed__";
  if (download.filename === undefined && target.endsWith("/")) {
    download.body.destroy();
    throw new GantryError("invalid", "BAD_COPY", `ADD failed: cannot determine filename for source ${url}`);
  }
  const root = await room.scratch();
  const digest = await files.writeStream(root, name, download.body, {
    mode: FETCHED_MODE,
    signal,
    ...(download.modified === undefined ? {} : { modified: download.modified }),
  });
  if (checksum !== undefined && `sha256:${digest}` !== checksum) {
    throw new GantryError("invalid", "DIGEST_MISMATCH", `digest mismatch sha256:${digest}: ${checksum}`);
  }
  return { root, path: name, kind: "file" };
}

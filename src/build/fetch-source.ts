import { GantryError } from "../base/errors.ts";
import type { FoundSource } from "../ports/build-files.ts";
import type { Copying } from "./copy-sources.ts";
import type { StepRoom } from "./context.ts";
import { type GitSource, parseGitSource } from "./git-source.ts";
import type { BuildHost } from "./host.ts";
import { type Material, publicUrl } from "./materials.ts";
import type { Of } from "./parse/instruction.ts";

export const isUrl = (source: string): boolean => /^https?:\/\//i.test(source);

const FETCHED_MODE = 0o600;
const CHECKSUM = /^sha256:[0-9a-f]{64}$/;
const COMMIT = /^[0-9a-f]{1,64}$/;

const badChecksum = (why: string): GantryError => new GantryError("invalid", "BAD_CHECKSUM", why);

/** A checksum is for one source from elsewhere. Throws invalid BAD_CHECKSUM. */
export function checkChecksum(instruction: Copying): void {
  if (instruction.kind !== "add" || instruction.checksum === undefined) return;
  const [source = "", ...others] = instruction.sources;
  if (others.length + instruction.files.length > 0)
    throw badChecksum("checksum can't be specified for multiple sources");
  const git = parseGitSource(source) !== undefined;
  if (!git && !isUrl(source)) throw badChecksum("checksum requires HTTP(S) or Git sources");
  if (!(git ? COMMIT : CHECKSUM).test(instruction.checksum)) {
    throw badChecksum(`invalid checksum digest format: ${instruction.checksum}`);
  }
}

/** Downloads an ADD's URL into a folder of the build. The file's name is the URL's, or the target's. */
export async function fetchSource(
  room: StepRoom,
  url: string,
  instruction: Of<"add">,
  target: string,
): Promise<FoundSource & { root: string }> {
  const { checksum } = instruction;
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
  room.context.materials.add({ uri: publicUrl(url), digest: { sha256: digest } });
  return { root, path: name, kind: "file" };
}

/** Checks an ADD's git repository out into a folder of the build. */
export async function fetchRepository(
  room: StepRoom,
  source: GitSource,
  { checksum, keepGitDir = source.keepGitDir ?? false }: Of<"add">,
): Promise<FoundSource & { root: string; digest?: string }> {
  const { signal, materials } = room.context;
  const folder = await room.scratch();
  const options = { keepGitDir, signal, ...(checksum ? { checksum } : {}) };
  const { commit, found, root, material } = await checkOut(room.host, source, folder, options);
  materials.add(material);
  // Git's own files differ from one checkout to the next; the commit says all about them.
  return { ...found, root, ...(keepGitDir ? { digest: `git:${commit}` } : {}) };
}

/** What a repository's address names, below a private folder. Throws invalid DIGEST_MISMATCH and what checkout throws. */
export async function checkOut(
  { git, files }: Pick<BuildHost, "git" | "files">,
  source: GitSource,
  folder: string,
  { keepGitDir, checksum, signal }: { keepGitDir: boolean; checksum?: string; signal: AbortSignal },
): Promise<{ root: string; found: FoundSource; commit: string; material: Material }> {
  const root = files.makeFolder(folder, "/checkout");
  const { url, ref, submodules } = source;
  const { commit } = await git.checkout({ url, ...(ref ? { ref } : {}), keepGitDir, submodules, signal }, root);
  for (const wanted of [checksum, source.commit]) {
    if (wanted !== undefined && !commit.startsWith(wanted)) {
      throw new GantryError("invalid", "DIGEST_MISMATCH", `expected checksum to match ${wanted}, got ${commit}`);
    }
  }
  const [found] = files.find(root, source.subdir ?? "");
  if (found === undefined) throw new Error("what was found is missing");
  const uri = publicUrl(ref ? `${url}#${ref}` : url);
  return { root, found, commit, material: { uri, digest: { [commit.length === 40 ? "sha1" : "sha256"]: commit } } };
}

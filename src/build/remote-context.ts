import { GantryError } from "../base/errors.ts";
import type { BuildHost } from "./host.ts";
import { checkOut, isUrl } from "./fetch-source.ts";
import { parseGitSource } from "./git-source.ts";
import { type Material, publicUrl } from "./materials.ts";

/** A folder of files from elsewhere, and what it was made of. */
export interface RemoteFiles {
  root: string;
  material: Material;
  /** Its name, where it is one file and no archive. */
  file?: string;
}

export interface RemoteOptions {
  /** A private folder. */
  scratch(): Promise<string>;
  signal: AbortSignal;
}

type Host = Pick<BuildHost, "git" | "files" | "downloads" | "archive">;

/** `https://host/x.git#branch:folder`, `github.com/user/x`, or an address of a tar or of one file. */
export const isRemoteContext = (text: string): boolean => isUrl(text) || gitSourceOf(text) !== undefined;

const gitSourceOf = (text: string): ReturnType<typeof parseGitSource> =>
  parseGitSource(text.startsWith("github.com/") ? `https://${text.replace(/(?:\.git)?(#|$)/, ".git$1")}` : text);

/** Fetches a git repository, unpacks an archive, or takes a file alone. Errors: invalid BAD_CONTEXT; those of the ports. */
export async function fetchRemote(host: Host, text: string, options: RemoteOptions): Promise<RemoteFiles> {
  const { signal } = options;
  const git = gitSourceOf(text);
  const folder = await options.scratch();
  if (git !== undefined) {
    const { found, root, material } = await checkOut(host, git, folder, {
      keepGitDir: git.keepGitDir ?? false,
      signal,
    });
    if (found.kind === "folder") return { root: host.files.realPath(root, found.path), material };
    throw new GantryError("invalid", "BAD_CONTEXT", `${git.subdir} of ${git.url} is no folder`);
  }
  if (!isUrl(text)) {
    throw new GantryError("invalid", "BAD_CONTEXT", `${text} is neither a URL nor a git repository`);
  }
  const download = await host.downloads.open(text, signal);
  const name = download.filename ?? "file";
  const sha256 = await host.files.writeStream(folder, name, download.body, { mode: 0o644, signal });
  const material = { uri: publicUrl(text), digest: { sha256 } };
  const tar = await host.files.openArchive(folder, name);
  if (tar === undefined) return { root: folder, material, file: name };
  const root = await options.scratch();
  await host.archive.extract(tar, root, { whiteouts: "plain", owner: { uid: 0, gid: 0 }, signal });
  return { root, material };
}

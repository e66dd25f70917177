import { GantryError } from "../base/errors.ts";
import { cleanPath } from "./metadata.ts";

/** A git repository that ADD names: `https://host/x.git#ref:folder`, `git@host:x.git`, `….git?tag=v1&subdir=docs`. */
export interface GitSource {
  url: string;
  ref?: string;
  /** What the commit's id must begin with. */
  commit?: string;
  /** Relative to the repository's root. */
  subdir?: string;
  keepGitDir?: boolean;
  submodules: boolean;
}

const URL_SHAPE = /^(https?|git|ssh):\/\//i;
/** user@host:path, as ssh takes it. */
const SCP_SHAPE = /^[A-Za-z0-9][\w.-]*@[A-Za-z0-9][\w.-]*:(?!\/\/)\S+$/;
const QUERY_KEYS = new Set(["ref", "branch", "tag", "commit", "checksum", "subdir", "keep-git-dir", "submodules"]);

const bad = (source: string, why: string): GantryError =>
  new GantryError("invalid", "BAD_URL", `invalid git reference ${source}: ${why}`);

/** The repository that the source names; undefined: it names none. Throws invalid BAD_URL. */
export function parseGitSource(source: string): GitSource | undefined {
  const [address = "", fragment] = split(source, "#");
  const scheme = URL_SHAPE.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined && !SCP_SHAPE.test(address)) return undefined;
  const [url = "", query] = split(address, "?");
  if (scheme?.startsWith("http") && !/\.git\/?$/.test(url)) return undefined;
  if (scheme !== undefined && /^[^/]*\/\/(?:[^/@]*@)?-/.test(url)) throw bad(source, "the host begins with a dash");
  const [named = "", folder] = split(fragment ?? "", ":");
  const options = optionsOf(source, query);
  const ref = options.ref ?? named;
  if (/^-|[\s\u0000-\u001f\u007f~^:?*[\\]|\.\.|@\{/.test(ref))
    throw bad(source, `${JSON.stringify(ref)} is no name of a ref`);
  const subdir = cleanPath(options.subdir ?? folder ?? "").slice(1);
  return {
    url,
    ...(ref === "" ? {} : { ref }),
    ...(subdir === "" ? {} : { subdir }),
    ...(options.commit === undefined ? {} : { commit: options.commit }),
    ...(options.keepGitDir === undefined ? {} : { keepGitDir: options.keepGitDir }),
    submodules: options.submodules ?? true,
  };
}

function optionsOf(source: string, query: string | undefined): Partial<GitSource> {
  const given = new URLSearchParams(query ?? "");
  const unknown = [...given.keys()].find((key) => !QUERY_KEYS.has(key));
  if (unknown !== undefined) throw bad(source, `unexpected query "${unknown}"`);
  const text = (key: string): string | undefined => given.get(key) || undefined;
  const flag = (key: string): boolean | undefined => {
    const value = given.get(key);
    return value === null ? undefined : value === "" || value === "1" || value === "true";
  };
  const branch = text("branch");
  const tag = text("tag");
  const commit = text("commit") ?? text("checksum");
  const names = [text("ref"), branch && `refs/heads/${branch}`, tag && `refs/tags/${tag}`].filter((name) => name);
  if (names.length > 1) throw bad(source, "only one of ref, branch and tag can be given");
  const ref = names[0] ?? (commit?.length === 40 ? commit : undefined);
  const subdir = text("subdir");
  const keepGitDir = flag("keep-git-dir");
  const submodules = flag("submodules");
  return {
    ...(ref === undefined ? {} : { ref }),
    ...(commit === undefined ? {} : { commit }),
    ...(subdir === undefined ? {} : { subdir }),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(submodules === undefined ? {} : { submodules }),
  };
}

/** At the first `mark`. */
function split(text: string, mark: string): [string, string | undefined] {
  const cut = text.indexOf(mark);
  return cut < 0 ? [text, undefined] : [text.slice(0, cut), text.slice(cut + 1)];
}

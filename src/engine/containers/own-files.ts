/** By this file at the top programs tell that they run in a container, systemd among them. */
export const MARK = ".dockerenv";

/** Places for the files that the engine mounts, and its mark: made at a start where the image has none. */
const OWN_FILES = new Set([`/${MARK}`, "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]);

interface Change {
  path: string;
  kind: 0 | 1 | 2;
}

const inEtc = ({ path }: Change): boolean => path.startsWith("/etc/");

/** What a container has changed, without what the engine itself put there. */
export function withoutOwnFiles<T extends Change>(changes: readonly T[]): T[] {
  const own = changes.filter(({ path, kind }) => kind === 1 && OWN_FILES.has(path));
  const rest = changes.filter((change) => !own.includes(change));
  // a folder counts as changed for what is in it
  const onlyOwn = own.some(inEtc) && !rest.some(inEtc);
  return onlyOwn ? rest.filter(({ path }) => path !== "/etc") : rest;
}

import { GantryError } from "../base/errors.ts";

/** New permissions, from the old ones of a file or folder. */
export type ModeChange = (mode: number, kind: "file" | "folder") => number;

const ALL = 0o7777;
/** What a change that names nobody leaves alone, as a shell's usual umask has it. */
const UMASK = 0o022;
const CLAUSE = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/;

type Who = "u" | "g" | "o";
/** How far left each one's three bits stand. */
const SHIFT: Record<Who, number> = { u: 6, g: 3, o: 0 };

const badMode = (text: string): GantryError =>
  new GantryError(
    "invalid",
    "BAD_MODE",
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    { hint: "octal (755) or as chmod(1) takes it (u=rwX,go=rX)" },
  );

/** `--chmod`: octal, or symbolic as chmod(1) takes it. Throws invalid BAD_MODE. */
export function parseChmod(text: string): ModeChange {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode > ALL) throw badMode(text);
    return () => mode;
  }
  const changes = text.split(",").map((clause) => {
    const match = CLAUSE.exec(clause);
    if (match === null) throw badMode(text);
    return clauseChange(match[1] ?? "", match[2] ?? "");
  });
  return (mode, kind) => changes.reduce((current, change) => change(current, kind), mode);
}

/** `who`: "" for all within the umask. `actions`: `=rw`, `+x-w`. */
function clauseChange(who: string, actions: string): ModeChange {
  const names: Who[] = who === "" || who.includes("a") ? ["u", "g", "o"] : [...new Set(who)].filter(isWho);
  const spared = who === "" ? UMASK : 0;
  const parts = [...actions.matchAll(/([-+=])([ugorwxXst]*)/g)];
  return (before, kind) => {
    let mode = before;
    for (const [, operator, what = ""] of parts) {
      const bits = names.reduce((all, name) => all | bitsFor(name, what, mode, kind), 0) & ~spared;
      if (operator === "+") mode |= bits;
      else if (operator === "-") mode &= ~bits;
      else mode = (mode & ~mask(names, kind)) | bits;
    }
    return mode;
  };
}

const isWho = (name: string): name is Who => Object.hasOwn(SHIFT, name);

/** The bits that `what` means for one of user, group and others. */
function bitsFor(name: Who, what: string, mode: number, kind: "file" | "folder"): number {
  if (isWho(what)) return ((mode >> SHIFT[what]) & 7) << SHIFT[name];
  let own = 0;
  if (what.includes("r")) own |= 4;
  if (what.includes("w")) own |= 2;
  if (what.includes("x") || (what.includes("X") && (kind === "folder" || (mode & 0o111) !== 0))) own |= 1;
  let bits = own << SHIFT[name];
  if (what.includes("s")) bits |= name === "u" ? 0o4000 : name === "g" ? 0o2000 : 0;
  if (what.includes("t") && name === "o") bits |= 0o1000;
  return bits;
}

/** What `=` takes away first; a folder's set-id bits stay unless they are named. */
function mask(names: readonly Who[], kind: "file" | "folder"): number {
  const own = names.reduce((all, name) => all | (7 << SHIFT[name]), 0);
  const setId = kind === "folder" ? 0 : (names.includes("u") ? 0o4000 : 0) | (names.includes("g") ? 0o2000 : 0);
  return own | setId | (names.length === 3 ? 0o1000 : 0);
}

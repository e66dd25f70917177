/** What is one daemon's own and may show in its answers. */
export interface Own {
  /** Texts with what to write in their place: folders, the size of the base image. */
  words: [text: string, placeholder: string][];
  /** The first three numbers of the default bridge's addresses: `10.64.3`. */
  subnet: string;
}

const ZERO = "0001-01-01";
const TIME = /\b(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(\.\d+)?/g;
const SPAN = "(?:Less than a second|About a minute|About an hour|\\d+ (?:second|minute|hour|day|week|month|year)s?)";
const AGO = new RegExp(`\\b${SPAN} ago`, "g");
const UP = new RegExp(`\\bUp ${SPAN}(?! ago)`, "g");

/**
 * Replaces what is different in each run: ids, times, addresses, ports that the daemon chose. An id keeps its length and
 * is numbered, so that columns stay and the same id is the same again.
 */
export function normalise(text: string, own: Own): string {
  let result = text;
  for (const [word, placeholder] of own.words) result = result.replaceAll(word, placeholder);
  return (
    ids(result)
      // docker cp's own words, where the daemon refused before all was sent
      .replace(/^time=\S+ level=error msg="Can't (?:add file|close tar writer)\b.*\n/gm, "")
      .replace(/\b(file|dir|multi):[0-9a-f]{16,64}/g, "$1:<hash>")
      .replace(/docker-import-\d+/g, "docker-import-<n>")
      .replace(/to \d+\.00, as there are only \d+ CPUs/g, "to <n>.00, as there are only <n> CPUs")
      .replace(/(?<=, available: )[\d,-]+/g, "<cpus>")
      .replace(TIME, (whole, day: string, between: string, _clock, fraction?: string) =>
        day === ZERO || day === "2020-01-01" ? whole : `<day>${between}<time>${fraction === undefined ? "" : ".<ns>"}`,
      )
      .split("\n")
      .map(spans)
      .join("\n")
      .replace(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, "<mac>")
      .replaceAll(`${own.subnet}.`, "<net>.")
      .replace(/\b10\.(?:12[89]|1[3-8]\d|19[01])\.\d+\./g, "<pool>.")
      .replace(
        /(?<=(?:\d\.\d+\.\d+\.\d+|::\]?):)(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|60\d{3})\b/g,
        "<port>",
      )
  );
}

/** How long something is up or ago; the columns after it move with its length, so their width is left out of account. */
function spans(line: string): string {
  const replaced = line.replace(AGO, "<ago>").replace(UP, "Up <span>");
  const heading = /^[A-Z][A-Z ]+(?: {2,}[A-Z][A-Z ]+)+$/.test(line);
  return replaced === line && !heading ? line : replaced.replace(/ {2,}/g, "   ");
}

function ids(text: string): string {
  const seen: string[] = [];
  return text.replace(/(?<![0-9A-Za-z_])(?:[0-9a-f]{64}|[0-9a-f]{12})(?![0-9A-Za-z_])/g, (id) => {
    const short = id.slice(0, 12);
    if (!seen.includes(short)) seen.push(short);
    return `ID${seen.indexOf(short) + 1}`.padEnd(id.length, "_");
  });
}

import { GantryError } from "../../base/errors.ts";

const DEFAULT_MIRROR = "http://deb.debian.org/debian";

/** Lines of mmdebstrap and debootstrap that a user cares for, and what they mean. */
const STEPS: [pattern: RegExp, status: string][] = [
  [/^I: running .*apt-get update/, "Reading the package lists"],
  [/^I: Retrieving (InRelease|Release|Packages)/, "Reading the package lists"],
  [/^I: downloading packages/, "Downloading packages"],
  [/^I: Retrieving (\S+)/, "Downloading $1"],
  [/^I: extracting archives/, "Extracting packages"],
  [/^I: Extracting (\S+?)\.*$/, "Extracting $1"],
  [/^I: installing essential packages/, "Installing essential packages"],
  [/^I: installing remaining packages/, "Installing the other packages"],
  [/^I: Unpacking (?!the base|required)(\S+?)\.*$/, "Unpacking $1"],
  [/^I: Configuring (?!the base|required)(\S+?)\.*$/, "Configuring $1"],
  [/^I: cleaning package lists/, "Cleaning up"],
];

/** The status that a line of a tool's output stands for. */
export function statusOf(line: string): string | undefined {
  for (const [pattern, status] of STEPS) {
    const match = pattern.exec(line);
    if (match !== null) return status.replace("$1", match[1] ?? "");
  }
  return undefined;
}

const UNREACHABLE =
  /Failed to fetch|Could not (?:resolve|connect)|Cannot initiate the connection|Connection (?:failed|refused|timed out)|Temporary failure resolving|does not have a Release file|Failed getting release file|Couldn't download/;

const clean = (line: string): string => line.replace(/^(?:[EWN]|Err:\d+)[: ]+/, "").trim();

/** What went wrong, out of the last lines of a tool's output. */
export function explainFailure(lines: string[], mirror = DEFAULT_MIRROR): GantryError {
  const network = lines.find((line) => UNREACHABLE.test(line));
  if (network !== undefined) {
    return new GantryError(
      "unavailable",
      "MIRROR_UNREACHABLE",
      `cannot get packages from ${mirror}: ${clean(network)}`,
      {
        hint: "check this machine's network, or name another archive with --mirror",
      },
    );
  }
  const reason =
    lines.findLast((line) => line.startsWith("E: ")) ??
    lines.findLast((line) => line.trim() !== "") ??
    "no reason given";
  return new GantryError("internal", "BOOTSTRAP_FAILED", `installing Debian failed: ${clean(reason)}`, {
    details: { output: lines.slice(-20) },
  });
}

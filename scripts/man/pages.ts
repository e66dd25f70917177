// The manual: a page for gantry, each group and each command from the table of commands, and one for gantryd from its
// --help. npm run man [-- FOLDER] writes them; dist/man unless told otherwise.
import fs from "node:fs";
import path from "node:path";
import { USAGE } from "../../src/bin/daemon-options.ts";
import type { Command } from "../../src/cli/command.ts";
import { type CommandEntry, entries, groups } from "../../src/cli/commands.ts";
import type { FlagTable } from "../../src/cli/flags.ts";
import { globalFlags } from "../../src/cli/global-flags.ts";
import { VERSION } from "../../src/cli/version.ts";
import { bold, italic, item, type Page, pageText, paragraphs, plain, seeAlso, verbatim } from "./troff.ts";

const pageName = (path: string): string => `gantry-${path.replaceAll(" ", "-")}`;
const MAIN: [string, number] = ["gantry", 1];
const ENGINE: [string, number] = ["gantryd", 8];
const shown = entries.filter(({ hidden }) => hidden !== true);

function options(table: FlagTable): string {
  return Object.entries(table)
    .filter(([, { hidden }]) => hidden !== true)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { short, word, usage, shown }]) => {
      const names = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map(bold).join(", ");
      const [first = "", ...rest] = usage.split("\n");
      const words = `${plain(first)}${shown === undefined ? "" : plain(` (default ${shown})`)}\n`;
      const lines = rest.length === 0 ? "" : `.br\n${verbatim(rest.join("\n"))}`;
      return item(`${names}${word === "" ? "" : ` ${italic(word)}`}`, words + lines);
    })
    .join("");
}

async function commandPage(entry: CommandEntry): Promise<Page> {
  const command = (await entry.load()).default as Command;
  const name = entry.names[0]!;
  const [group] = (entry.names.find((other) => other.includes(" ")) ?? "").split(" ");
  const synopses = command.usage.split(/\n\tgantry [\w ]+? (?=\[)/);
  return {
    name: pageName(name),
    section: 1,
    summary: entry.summary,
    parts: [
      ["SYNOPSIS", synopses.map((usage) => `${bold(`gantry ${name}`)} ${plain(usage)}\n`).join(".br\n")],
      ["DESCRIPTION", paragraphs(command.about ?? entry.summary)],
      ["OPTIONS", options(command.flags)],
      ["EXAMPLES", command.examples === undefined ? "" : verbatim(command.examples.join("\n"))],
      [
        "ALIASES",
        entry.names.length === 1 ? "" : `${entry.names.map((other) => bold(`gantry ${other}`)).join(",\n")}\n`,
      ],
      ["SEE ALSO", seeAlso([MAIN, ...(group ? [[pageName(group), 1] as [string, number]] : []), ENGINE])],
    ],
  };
}

const list = (pairs: [name: string, summary: string][]): string =>
  pairs
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, summary]) => item(`${bold(name)}(1)`, plain(summary)))
    .join("");

const groupPages = groups.map(
  ({ name, summary }): Page => ({
    name: pageName(name),
    section: 1,
    summary,
    parts: [
      ["SYNOPSIS", `${bold(`gantry ${name}`)} ${italic("COMMAND")}\n`],
      [
        "COMMANDS",
        list(
          shown.flatMap(({ names, summary }) => {
            const own = names.find((other) => other.startsWith(`${name} `));
            return own === undefined ? [] : [[pageName(own), summary] as [string, string]];
          }),
        ),
      ],
      ["SEE ALSO", seeAlso([MAIN, ENGINE])],
    ],
  }),
);

const mainPage: Page = {
  name: "gantry",
  section: 1,
  summary: "containers, images, networks and volumes, driven by gantryd",
  parts: [
    ["SYNOPSIS", `${bold("gantry")} [OPTIONS] ${italic("COMMAND")} [ARG...]\n`],
    [
      "COMMANDS",
      list([
        ...groups.map(({ name, summary }): [string, string] => [pageName(name), summary]),
        ...shown
          .filter(({ names }) => !names[0]!.includes(" "))
          .map(({ names, summary }): [string, string] => [pageName(names[0]!), summary]),
      ]),
    ],
    ["OPTIONS", options(globalFlags)],
    [
      "ENVIRONMENT",
      [
        ["GANTRY_HOST, DOCKER_HOST", "The engine's address, where no --host is given"],
        ["DOCKER_CONTEXT", "The context, where no address is given"],
        ["DOCKER_CONFIG", "The folder of config.json"],
        ["DOCKER_API_VERSION", "The API version to speak, instead of the newest that both sides know"],
        ["DOCKER_TLS_VERIFY, DOCKER_CERT_PATH", "Speak TLS, with the certificates of that folder"],
      ]
        .map(([name = "", words = ""]) => item(bold(name), plain(words)))
        .join(""),
    ],
    [
      "EXIT STATUS",
      `${plain("run and exec end with the container's status; 125: the engine or the command line failed, 126: the command can't be run, 127: it was not found. Other commands end with 0 or 1.")}\n`,
    ],
    ["SEE ALSO", seeAlso([ENGINE])],
  ],
};

/** Options of a --help: their lines are indented less than the words that go on. */
function enginePage(): Page {
  const [synopsis = "", about = "", help = ""] = USAGE.split(/\n\n(?:Options:\n)?/);
  const items = [...help.matchAll(/^ {2,6}(-.+?) {2,}(.*(?:\n {20,}.*)*)/gm)].map(([, names = "", words = ""]) => {
    const term = names.replace(/(-{1,2}[\w-]+)|([^\s,]+)/g, (_, flag?: string, word = "") =>
      flag === undefined ? italic(word as string) : bold(flag),
    );
    return item(term, plain(words.replace(/\n +/g, " ")));
  });
  return {
    name: "gantryd",
    section: 8,
    summary: "the Gantry engine",
    parts: [
      ["SYNOPSIS", `${plain(synopsis.replace("Usage: ", ""))}\n`],
      ["DESCRIPTION", paragraphs(about)],
      ["OPTIONS", items.join("")],
      [
        "SIGNALS",
        item(bold("SIGHUP"), "Read the configuration file again") + item(bold("SIGTERM"), "End; containers run on"),
      ],
      [
        "FILES",
        item(italic("/etc/gantry/daemon.json"), "The configuration") + item(italic("/run/gantry.sock"), "The API"),
      ],
      ["SEE ALSO", seeAlso([MAIN])],
    ],
  };
}

/** All pages by their file's path: man1/gantry-run.1. Another way to call a command leads to the same page. */
export async function manual(): Promise<Map<string, string>> {
  const pages = [mainPage, ...groupPages, ...(await Promise.all(shown.map(commandPage))), enginePage()];
  const files = new Map(
    pages.map((page) => [`man${page.section}/${page.name}.${page.section}`, pageText(page, VERSION)]),
  );
  for (const { names } of shown) {
    for (const alias of names.slice(1)) files.set(`man1/${pageName(alias)}.1`, `.so man1/${pageName(names[0]!)}.1\n`);
  }
  return files;
}

if (process.argv[1] === import.meta.filename) {
  const folder = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, "../../dist/man"));
  for (const [name, text] of await manual()) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
}

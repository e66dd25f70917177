import fs from "node:fs";
import path from "node:path";
import type { Command } from "../src/cli/command.ts";
import { entries, groups } from "../src/cli/commands.ts";
import { commandHelp, groupHelp, topHelp } from "../src/cli/help.ts";

export const REFERENCE = path.resolve(import.meta.dirname, "../docs/cli.md");

const block = (text: string): string => `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;

/** docs/cli.md: what every command's --help prints, from the table of commands. */
export async function cliReference(): Promise<string> {
  const parts = [
    "# gantry: the command line\n",
    "Written by `node --import tsx scripts/cli-reference.ts` from the table of commands; a test holds it against that.\n",
    block(topHelp()),
    "## Groups\n",
  ];
  for (const group of groups) parts.push(`### gantry ${group.name}\n`, block(groupHelp(group)));
  parts.push("## Commands\n");
  const sorted = entries.toSorted((a, b) => ((a.names[0] as string) < (b.names[0] as string) ? -1 : 1));
  for (const entry of sorted) {
    const name = entry.names[0] as string;
    const { default: command } = await entry.load();
    parts.push(`### gantry ${name}\n`, block(commandHelp(name, entry, command as Command)));
  }
  return parts.join("\n");
}

if (process.argv[1] === import.meta.filename) fs.writeFileSync(REFERENCE, await cliReference());

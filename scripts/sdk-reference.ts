import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { emitTypes } from "./sdk-types.mjs";

export const REFERENCE = path.resolve(import.meta.dirname, "../docs/sdk.md");

const CLASSES = ["Gantry", "LocalEngine", "Containers", "Container", "Ports", "Session", "Images", "Task"];
const MORE_CLASSES = ["Networks", "Network", "Volumes", "Volume", "GantryError"];
const CLIENT = ["containers", "exec", "images", "networks", "volumes", "system"];
const SHAPES = [
  "base/container-config",
  ...["containers", "images", "networks", "system", "volumes"].map((one) => `wire/types/${one}`),
];

/** Something that is declared, and what stands above it. */
interface Entry {
  doc: string;
  text: string;
}

interface Declaration extends Entry {
  kind: string;
  name: string;
}

/** What a doc comment says, as Markdown. */
const words = (comment: string): string =>
  comment
    .replace(/^\s*\/\*\*\s?|\s*\*\/\s*$/g, "")
    .replace(/^\s*\* ?/gm, "")
    .trim();

/** Declarations of one level: each ends with the line that closes all its brackets. */
function entries(lines: string[]): Entry[] {
  const found: Entry[] = [];
  let doc = "";
  let text = "";
  for (const line of lines) {
    const inDoc = doc !== "" && !doc.includes("*/");
    if (text === "" && (inDoc || line.startsWith("/**"))) doc = inDoc ? `${doc}\n${line}` : line;
    else if (line !== "" || text !== "") text += `${text && "\n"}${line}`;
    if (text === "" || !/[;}]$/.test(line) || !isBalanced(text)) continue;
    found.push({ doc: words(doc), text });
    doc = "";
    text = "";
  }
  return found;
}

function isBalanced(text: string): boolean {
  const plain = text.replace(/\/\*[\s\S]*?\*\/|"[^"]*"|`[^`]*`/g, "");
  return plain.match(/[{([]/g)?.length === plain.match(/[})\]]/g)?.length;
}

function declarations(folder: string, file: string): Declaration[] {
  const text = fs.readFileSync(path.join(folder, `${file}.d.ts`), "utf8");
  return entries(text.split("\n")).flatMap((one) => {
    const [, plain, kind, name] =
      /^export (?:declare )?((class|interface|type|const) (\w+)[\s\S]*)$/.exec(one.text) ?? [];
    return plain && kind && name ? [{ ...one, text: plain, kind, name }] : [];
  });
}

/** Public ones; what is internal or private is nobody's business. */
function members({ text }: Declaration): Entry[] {
  const lines = text.split("\n").slice(1, -1);
  return entries(lines.map((line) => line.replace(/^ {4}/, "")))
    .map(({ doc, text: one }) => ({ doc, text: one.replace(/;$/, "") }))
    .filter(({ doc, text: one }) => !doc.includes("@internal") && !/^private |^constructor\(transport/.test(one));
}

const code = (text: string): string =>
  `\`\`\`ts\n${text.replace(/^( {4})+/gm, (all) => all.replaceAll("    ", "  "))}\n\`\`\`\n`;

function classPage(one: Declaration): string[] {
  const parts = [`## ${one.name}\n`, `${one.doc}\n`];
  for (const { doc, text } of members(one)) parts.push(code(text), ...(doc ? [`${doc}\n`] : []));
  return parts;
}

/** docs/sdk.md: the SDK's classes and options, from its declarations and what is written above them. */
export async function sdkReference(): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-reference-"));
  try {
    await emitTypes(folder);
    const files = fs.readdirSync(path.join(folder, "sdk")).toSorted();
    const own = files.flatMap((file) => declarations(folder, `sdk/${file.replace(".d.ts", "")}`));
    const all = [...own, ...declarations(folder, "base/errors")];
    const find = (name: string): Declaration => {
      const found = all.find((one) => one.name === name);
      if (!found) throw new Error(`${name} is not declared`);
      return found;
    };
    const index = fs.readFileSync(path.join(folder, "sdk/index.d.ts"), "utf8");
    const classes = [...CLASSES, ...MORE_CLASSES];
    const shapes = all
      .filter(({ name, kind }) => kind !== "class" && new RegExp(`\\b${name}\\b`).test(index))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const client = CLIENT.flatMap((name) => {
      const [api] = declarations(folder, `client/${name}`).filter(({ kind }) => kind === "class");
      return [
        `### gantry.api.${name}\n`,
        code(
          members(api as Declaration)
            .map(({ doc, text }) => `${comment(doc)}${text};`)
            .join("\n"),
        ),
      ];
    });
    const parts = [
      "# The SDK, class by class\n",
      "Written by `npm run docs` from the declarations in `src/sdk`; a test holds it against them. To begin with, take the",
      "[tour](sdk-tour.md).\n",
      ...classes.flatMap((name) => classPage(find(name))),
      "## Options and results\n",
      ...shapes.map(({ name, doc, text }) => `### ${name}\n\n${doc ? `${doc}\n\n` : ""}${code(text)}`),
      "## gantry.api: the engine's API, operation by operation\n",
      "Names and shapes are the Docker Engine API's own. `signal` aborts.\n",
      ...client,
      "## Shapes of the API\n",
      "The package exports these types as well, in the API's own names:\n",
      ...SHAPES.map(
        (file) =>
          `- ${declarations(folder, file)
            .map(({ name }) => `\`${name}\``)
            .join(", ")}\n`,
      ),
    ];
    return parts.join("\n").replace(/\n{3,}/g, "\n\n");
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const comment = (doc: string): string => (doc ? `/** ${doc.replaceAll("\n", " ")} */\n` : "");

if (process.argv[1] === import.meta.filename) fs.writeFileSync(REFERENCE, await sdkReference());

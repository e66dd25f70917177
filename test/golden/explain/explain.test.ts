import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { containerPictures } from "../../../src/cli/explain/container.ts";
import { draw, type Paper, type Picture } from "../../../src/cli/explain/draw.ts";
import { imagePictures, networkPictures } from "../../../src/cli/explain/objects.ts";
import type { ContainerExplanation, ImageExplanation, NetworkExplanation } from "../../../src/wire/types/explain.ts";

/** What an engine answered (*.json) → what a terminal shows (*.txt). `UPDATE_GOLDEN=1` writes the latter anew. */
const folder = fileURLToPath(new URL("./", import.meta.url));

function picturesOf(name: string): Picture[] {
  const doc = JSON.parse(fs.readFileSync(`${folder}${name}.json`, "utf8")) as
    | ContainerExplanation
    | ImageExplanation
    | NetworkExplanation;
  if (doc.kind === "container") return containerPictures(doc);
  return doc.kind === "image" ? imagePictures(doc) : networkPictures(doc);
}

const SCREEN = 24;
const CASES: [name: string, paper: Paper][] = [
  ["web", { width: 80, height: SCREEN, colour: false }],
  ["web", { width: 120, height: SCREEN, colour: true }],
  ["oom", { width: 80, height: SCREEN, colour: false }],
  ["image", { width: 80, height: SCREEN, colour: false }],
  ["network", { width: 120, height: SCREEN, colour: false }],
];

/** How many lines of the terminal it takes: a longer one goes on in the next. */
const rowsOf = (line: string, width: number): number =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no place
  Math.max(1, Math.ceil([...line.replace(/\u001b\[[\d;]*m/g, "")].length / width));

describe("drawing what was explained", () => {
  for (const [name, paper] of CASES) {
    it(`draws ${name} on ${paper.width} columns`, () => {
      const sections = picturesOf(name).map((picture) => draw(picture, paper));
      for (const lines of sections) {
        const rows = lines.reduce((sum, line) => sum + rowsOf(line, paper.width), 0);
        assert.ok(rows <= SCREEN, `${lines[0]} takes ${rows} rows`);
        for (const line of lines) if (!line.includes("$ ")) assert.equal(rowsOf(line, paper.width), 1, line);
      }
      const text = `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
      const file = `${folder}${name}-${paper.width}.txt`;
      if (process.env["UPDATE_GOLDEN"]) fs.writeFileSync(file, text);
      assert.equal(text, fs.readFileSync(file, "utf8"));
    });
  }

  it("cuts and folds nothing where there is no terminal", () => {
    const paper = { width: Number.POSITIVE_INFINITY, height: Number.POSITIVE_INFINITY, colour: false };
    const text = picturesOf("web")
      .flatMap((picture) => draw(picture, paper))
      .join("\n");
    assert.doesNotMatch(text, /…/);
  });

  it("shows no control characters of a container's", () => {
    const picture: Picture = {
      ...{ title: "T", byHand: [], all: "" },
      parts: [{ kind: "facts", rows: [["command", "evil \u001b[2J\u0007"]] }],
    };
    const [, line] = draw(picture, { width: 80, height: SCREEN, colour: false });
    assert.equal(line, "  command  evil ·[2J·");
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

const REPO = path.resolve(import.meta.dirname, "../..");
const PAGES = [
  ...fs.readdirSync(REPO).filter((name) => name.endsWith(".md")),
  ...fs
    .readdirSync(path.join(REPO, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** Where a page's short names of files begin: `start.ts` in docs/flows/run.md. */
const ROOTS = ["", "src", "src/engine/containers", "src/engine/images", "src/engine/networks", "src/build"];

test("links between pages lead somewhere", () => {
  const broken = PAGES.flatMap((page) => {
    const text = fs.readFileSync(path.join(REPO, page), "utf8");
    return [...text.matchAll(/\]\(([^)#:]+)\)/g)]
      .map(([, to = ""]) => to)
      .filter((to) => !fs.existsSync(path.join(REPO, path.dirname(page), to)))
      .map((to) => `${page} → ${to}`);
  });
  assert.deepEqual(broken, []);
});

test("links to a page's sections find them", () => {
  const broken = PAGES.flatMap((page) => {
    const text = fs.readFileSync(path.join(REPO, page), "utf8");
    return [...text.matchAll(/\]\(([^)#:]*\.md)?#([^)]+)\)/g)]
      .filter(([, to, section = ""]) => !sectionsOf(to ? path.join(path.dirname(page), to) : page).has(section))
      .map(([link]) => `${page} → ${link}`);
  });
  assert.deepEqual(broken, []);
});

/** As the pages' renderers name them. */
function sectionsOf(page: string): Set<string> {
  const headings = fs.readFileSync(path.join(REPO, page), "utf8").matchAll(/^#+ (.+)$/gm);
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
  return new Set([...headings].map(([, heading = ""]) => slug(heading)));
}

test("files and folders that the pages name are there", () => {
  const missing: string[] = [];
  for (const page of PAGES) {
    const text = fs.readFileSync(path.join(REPO, page), "utf8");
    for (const [, name = ""] of text.matchAll(/`([\w./-]+)`/g)) {
      const inTree = /^(src|test|docs|scripts|bench|examples|bin|drivers|engine)\/[\w./-]+$/.test(name);
      if (!inTree && !/^[\w/-]+\.(ts|mjs|cjs)$/.test(name)) continue;
      if (/[A-Z]{3,}\.ts$/.test(name)) continue; // a placeholder
      if (!ROOTS.some((root) => fs.existsSync(path.join(REPO, root, name))) && !isAnywhere(name))
        missing.push(`${page}: ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});

const sources = fs.readdirSync(path.join(REPO, "src"), { recursive: true, encoding: "utf8" });
/** A file by its name alone, where the page has named its folder before. */
const isAnywhere = (name: string): boolean => sources.some((file) => file.endsWith(`/${name}`));

test("every page of the decisions is listed", () => {
  const folder = path.join(REPO, "docs/adr");
  const list = fs.readFileSync(path.join(folder, "README.md"), "utf8");
  const pages = fs.readdirSync(folder).filter((name) => /^\d{4}-/.test(name));
  assert.ok(pages.length >= 9);
  assert.deepEqual(
    pages.filter((name) => !list.includes(`(${name})`)),
    [],
  );
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

const REPO = path.resolve(import.meta.dirname, "../..");
const SOURCE = path.join(REPO, "src");

/** The import table of ARCHITECTURE.md: room → rooms it may import. */
function readTable(): Map<string, string[]> {
  const text = fs.readFileSync(path.join(REPO, "ARCHITECTURE.md"), "utf8");
  const rows = [...text.matchAll(/^\| (src\/[\w/-]+) \|[^|]*\| ([^|]*) \|$/gm)];
  return new Map(rows.map(([, room = "", may = ""]) => [room.slice(4), may === "-" ? [] : may.split(", ")]));
}

interface SourceFile {
  /** Relative to src. */
  path: string;
  imports: string[];
  lines: number;
}

function readSources(): SourceFile[] {
  const files = fs.readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files.map((name) => {
    const text = fs.readFileSync(path.join(SOURCE, name), "utf8");
    const imports = [
      ...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^"';]*?from\s+"([^"]+)"|import\(\s*"([^"]+)"\s*\)/g),
    ];
    return {
      path: name,
      imports: imports.map(([, from, lazy]) => from ?? lazy ?? ""),
      lines: text.split("\n").length,
    };
  });
}

const table = readTable();
const sources = readSources();
/** The longest room that a file lies in. */
const roomOf = (file: string): string | undefined =>
  [...table.keys()].filter((room) => file.startsWith(`${room}/`)).toSorted((a, b) => b.length - a.length)[0];
const target = (file: SourceFile, specifier: string): string =>
  path.posix.join(path.posix.dirname(file.path), specifier);

test("the table and the sources were read", () => {
  assert.ok(table.size >= 12, `only ${table.size} rows`);
  assert.ok(sources.length > 100, `only ${sources.length} files`);
  assert.ok(sources.reduce((sum, file) => sum + file.imports.length, 0) > 500);
});

test("every file lies in a room", () => {
  assert.deepEqual(
    sources.filter((file) => roomOf(file.path) === undefined).map((file) => file.path),
    [],
  );
});

test("imports keep to the table", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const room = roomOf(file.path) ?? "";
    // A driver's own room is its folder, not all of drivers.
    const own = room === "drivers" ? file.path.split("/").slice(0, 2).join("/") : room;
    for (const specifier of file.imports.filter((name) => name.startsWith("."))) {
      const to = target(file, specifier);
      const allowed = [own, ...(table.get(room) ?? [])].some((folder) => to.startsWith(`${folder}/`));
      if (!allowed) wrong.push(`${file.path} → ${to}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("relative imports carry their ending", () => {
  const bare = sources.flatMap((file) =>
    file.imports
      .filter((name) => name.startsWith(".") && !name.endsWith(".ts"))
      .map((name) => `${file.path} → ${name}`),
  );
  assert.deepEqual(bare, []);
});

test("effects stay at home", () => {
  const homes: [module: RegExp, rooms: string[]][] = [
    [/^(node:)?child_process$/, ["drivers/process/", "sdk/"]],
    [/^(node:)?fs(\/promises)?$/, ["drivers/", "cli/", "local/", "sdk/", "bin/"]],
    [/^(node:)?(net|dgram|tls|http2?|https)$/, ["drivers/", "server/", "client/", "sdk/", "bin/"]],
  ];
  const wrong: string[] = [];
  for (const file of sources) {
    for (const [module, rooms] of homes) {
      const text = fs.readFileSync(path.join(SOURCE, file.path), "utf8");
      for (const [statement, from = ""] of text.matchAll(/^import\s+(?!type\b)[^;]*?from\s+"([^"]+)"/gm)) {
        if (!module.test(from) || statement.startsWith("import type")) continue;
        if (!rooms.some((room) => file.path.startsWith(room))) wrong.push(`${file.path} imports ${from}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("no imports go in circles", () => {
  const graph = new Map<string, string[]>();
  for (const file of sources) {
    const text = fs.readFileSync(path.join(SOURCE, file.path), "utf8");
    const real = [...text.matchAll(/^import\s+(?!type\b)([^;]*?)from\s+"(\.[^"]+)"/gm)].filter(
      ([, names = ""]) => !/^\{\s*(type\s+\w+(\s+as\s+\w+)?,?\s*)+\}\s*$/.test(names),
    );
    graph.set(
      file.path,
      real.map(([, , from = ""]) => target(file, from)),
    );
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (node: string, trail: string[]): void => {
    if (trail.includes(node)) {
      circles.push([...trail.slice(trail.indexOf(node)), node].join(" → "));
      return;
    }
    if (done.has(node)) return;
    done.add(node);
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
  };
  for (const node of graph.keys()) visit(node, []);
  assert.deepEqual(circles, []);
});

test("no file is longer than 600 lines", () => {
  assert.deepEqual(
    sources.filter((file) => file.lines > 600).map((file) => `${file.path}: ${file.lines}`),
    [],
  );
});

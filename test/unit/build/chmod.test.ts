import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChmod } from "../../../src/build/chmod.ts";

const octal = (mode: number): string => mode.toString(8);

/** What is written, the mode before, and after for a file and for a folder. */
const cases: [string, number, string, string?][] = [
  ["755", 0o600, "755"],
  ["04755", 0o600, "4755"],
  ["+x", 0o644, "755"],
  ["a-w", 0o666, "444"],
  ["+w", 0o444, "644"], // for all, within the umask
  ["a+w", 0o444, "666"],
  ["u=rwX,go=rX", 0o600, "644", "755"],
  ["u=rwX,go=rX", 0o710, "755"],
  ["g=u", 0o740, "770"],
  ["o=g-w", 0o660, "664"],
  ["u+s,g+s,+t", 0o755, "7755"],
  ["u-x+w", 0o500, "600"],
  ["=", 0o777, "0"],
  ["go=", 0o755, "700"],
  ["ug=rw", 0o4777, "667", "4667"],
];

describe("--chmod", () => {
  for (const [text, before, file, folder = file] of cases) {
    it(`${text} makes ${octal(before)} to ${file}`, () => {
      assert.equal(octal(parseChmod(text)(before, "file")), file);
      assert.equal(octal(parseChmod(text)(before, "folder")), folder);
    });
  }

  for (const text of ["888", "", "17777", "-1", "u", "x", "u=rwz", "u+x,", "u=rgo", "v+x"]) {
    it(`${text || "nothing"} is refused`, () => {
      assert.throws(() => parseChmod(text), /invalid chmod parameter: '.*'. it should be octal string/);
    });
  }
});

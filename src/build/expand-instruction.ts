import { ExpansionError, expandHeredoc, expandWord, expandWords, type Lookup } from "./expand.ts";
import type { Instruction, KeyValue, SourcesAndTarget } from "./parse/instruction.ts";
import { Problem } from "./parse/problem.ts";
import { expandedMount } from "./parse/run-mount.ts";

/**
 * The instruction with its variables filled in, where Docker does so. RUN, CMD, ENTRYPOINT, HEALTHCHECK, SHELL and
 * ONBUILD keep theirs: the shell in the container expands those. Throws Problem with the instruction's line.
 */
export function expandInstruction(instruction: Instruction, lookup: Lookup, escape: string): Instruction {
  const word = (text: string): string => expandWord(text, lookup, escape);
  const pairs = (list: KeyValue[]): KeyValue[] =>
    list.map(({ key, value }) => ({ key: word(key), value: word(value) }));
  const { text, line } = instruction.origin;
  try {
    switch (instruction.kind) {
      case "env":
      case "label":
        return { ...instruction, pairs: pairs(instruction.pairs) };
      case "arg":
        return {
          ...instruction,
          args: instruction.args.map(({ key, value }) =>
            value === undefined ? { key: word(key) } : { key: word(key), value: word(value) },
          ),
        };
      case "expose":
        return { ...instruction, ports: instruction.ports.flatMap((port) => expandWords(port, lookup, escape)) };
      case "volume":
        return { ...instruction, paths: instruction.paths.map(word) };
      case "user":
        return { ...instruction, user: word(instruction.user) };
      case "workdir":
        return { ...instruction, path: word(instruction.path) };
      case "stopsignal":
        return { ...instruction, signal: word(instruction.signal) };
      case "copy":
        return { ...instruction, ...files(instruction, word, lookup) };
      case "add":
        return {
          ...instruction,
          ...files(instruction, word, lookup),
          ...(instruction.checksum === undefined ? {} : { checksum: word(instruction.checksum) }),
        };
      case "run":
        return { ...instruction, mounts: instruction.mounts.map((mount) => expandedMount(mount, word, line)) };
      default:
        return instruction;
    }
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new Problem(`failed to process "${text}": ${error.message}`, { line, column: 1 }, text.length);
  }
}

function files(from: SourcesAndTarget, word: (text: string) => string, lookup: Lookup): SourcesAndTarget {
  return {
    sources: from.sources.map(word),
    files: from.files.map((file) => (file.expand ? { ...file, content: expandHeredoc(file.content, lookup) } : file)),
    target: word(from.target),
    ...(from.chown === undefined ? {} : { chown: word(from.chown) }),
    ...(from.chmod === undefined ? {} : { chmod: word(from.chmod) }),
    exclude: from.exclude.map(word),
  };
}

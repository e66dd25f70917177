import type { Arguments, Flag } from "./arguments.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { heredocOf } from "./heredoc.ts";
import type {
  CommandLine,
  INSTRUCTION_NAMES,
  InstructionBody,
  NetworkMode,
  SecurityMode,
  SourcesAndTarget,
} from "./instruction.ts";
import { nearest } from "./problem.ts";
import { writtenMount } from "./run-mount.ts";
import type { Word } from "./words.ts";

type Name = (typeof INSTRUCTION_NAMES)[number];

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

/** The typed body of one instruction. Throws Problem in Docker's words. */
export function parseBody(name: Name, args: Arguments): InstructionBody {
  return BODIES[name](args);
}

const BODIES: Record<Name, (args: Arguments) => InstructionBody> = {
  FROM: parseFrom,
  ARG: parseArg,
  RUN: parseRun,
  COPY: parseCopy,
  ADD: parseAdd,
  ONBUILD: parseOnbuild,
  HEALTHCHECK: parseHealthcheck,
  ENV: (args) => ({ kind: "env", ...plain(args).pairs() }),
  LABEL: (args) => ({ kind: "label", ...plain(args).pairs() }),
  MAINTAINER: (args) => ({ kind: "maintainer", name: oneText(plain(args)) }),
  CMD: (args) => ({ kind: "cmd", ...commandLine(plain(args)) }),
  ENTRYPOINT: (args) => ({ kind: "entrypoint", ...commandLine(plain(args)) }),
  EXPOSE: (args) => ({ kind: "expose", ports: someWords(plain(args)).map((word) => word.text) }),
  VOLUME: parseVolume,
  USER: (args) => ({ kind: "user", user: oneText(plain(args)) }),
  WORKDIR: (args) => ({ kind: "workdir", path: oneText(plain(args)) }),
  STOPSIGNAL: (args) => ({ kind: "stopsignal", signal: oneText(plain(args)) }),
  SHELL: parseShell,
};

/** For instructions without flags. */
function plain(args: Arguments): Arguments {
  args.takes([]);
  return args;
}

function someWords(args: Arguments): Word[] {
  const words = args.words();
  if (words.length === 0) throw args.problem(`${args.name} requires at least one argument`, args.head);
  return words;
}

/** The whole rest as one argument; a blank inside is part of it. */
function oneText(args: Arguments): string {
  const text = args.rest.text.trim();
  if (text === "") throw args.problem(`${args.name} requires exactly one argument`, args.head);
  return text;
}

function commandLine(args: Arguments): CommandLine {
  const json = args.json();
  if (json !== undefined) return { shell: false, words: json };
  const text = args.rest.text.trim();
  return { shell: true, words: text === "" ? [] : [text] };
}

function parseFrom(args: Arguments): InstructionBody {
  const flags = args.takes(["platform"]);
  const words = args.words();
  const [image, as, name] = words;
  if (image === undefined || (words.length !== 1 && words.length !== 3)) {
    throw args.problem("FROM requires either one or three arguments", words[1] ?? args.head);
  }
  const platform = args.text(flags, "platform");
  const base = { kind: "from" as const, image: image.text, ...(platform === undefined ? {} : { platform }) };
  if (as === undefined || name === undefined) return base;
  if (as.text.toLowerCase() !== "as") {
    throw args.problem("FROM requires either one or three arguments", as, "AS");
  }
  const stage = name.text.toLowerCase();
  if (!STAGE_NAME.test(stage)) {
    const shown = JSON.stringify(name.text);
    throw args.problem(
      `invalid name for build stage: ${shown}, name can't start with a number or contain symbols`,
      name,
    );
  }
  return { ...base, as: stage };
}

function parseArg(args: Arguments): InstructionBody {
  const words = plain(args).quotedWords();
  if (words.length === 0) throw args.problem("ARG requires at least one argument", args.head);
  return {
    kind: "arg",
    args: words.map((word) => {
      const cut = word.text.indexOf("=");
      if (cut === 0) throw args.problem("ARG names can not be blank", word);
      return cut < 0 ? { key: word.text } : { key: word.text.slice(0, cut), value: word.text.slice(cut + 1) };
    }),
  };
}

const NETWORKS: readonly NetworkMode[] = ["default", "none", "host"];
const SECURITY: readonly SecurityMode[] = ["sandbox", "insecure"];

function parseRun(args: Arguments): InstructionBody {
  const flags = args.takes(["network", "security"], ["mount"]);
  const network = oneOf(args, flags, "network", NETWORKS, "network");
  const security = oneOf(args, flags, "security", SECURITY, "security");
  args.texts(flags, "mount");
  return {
    kind: "run",
    ...commandLine(args),
    files: args.line.heredocs,
    mounts: (flags.get("mount") ?? []).map((flag) => writtenMount(args, flag)),
    ...(network === undefined ? {} : { network }),
    ...(security === undefined ? {} : { security }),
  };
}

function oneOf<T extends string>(
  args: Arguments,
  flags: Map<string, Flag[]>,
  name: string,
  known: readonly T[],
  what: string,
): T | undefined {
  const given = args.text(flags, name);
  const found = known.find((one) => one === given);
  if (given === undefined || found !== undefined) return found;
  const about = flags.get(name)?.[0]?.word;
  throw args.problem(`unsupported ${what} mode "${given}"`, about, nearest(given, known));
}

function sourcesAndTarget(args: Arguments, flags: Map<string, Flag[]>): SourcesAndTarget {
  const json = args.json();
  const words = json?.map((text): Word => ({ text, offset: args.rest.offset })) ?? args.words();
  const target = words.at(-1);
  if (target === undefined || words.length < 2) {
    const message = `${args.name} requires at least two arguments, but only ${words.length === 1 ? "one was" : "zero were"} provided. Destination could not be determined.`;
    throw args.problem(message, words[0] ?? args.head);
  }
  if (heredocOf(target.text)) throw args.problem(`${args.name} cannot accept a heredoc as a destination`, target);
  const sources: string[] = [];
  const files = [];
  const given = words.slice(0, -1).map((word) => word.text);
  for (let i = 0; i < given.length; i++) {
    const text = given[i] ?? "";
    const apart = /^\d*<<-?$/.test(text);
    const opening = json === undefined ? heredocOf(apart ? text + (given[i + 1] ?? "") : text) : undefined;
    const file = opening && args.line.heredocs.find((heredoc) => heredoc.name === opening.name);
    if (file === undefined) sources.push(text);
    else {
      files.push(file);
      if (apart) i += 1;
    }
  }
  const chown = args.text(flags, "chown");
  const chmod = args.text(flags, "chmod");
  return {
    sources,
    files,
    target: target.text,
    ...(chown === undefined ? {} : { chown }),
    ...(chmod === undefined ? {} : { chmod }),
    exclude: args.texts(flags, "exclude"),
    ...(args.bool(flags, "link") ? { link: true } : {}),
  };
}

function parseCopy(args: Arguments): InstructionBody {
  const flags = args.takes(["from", "chown", "chmod", "link", "parents"], ["exclude"]);
  const from = args.text(flags, "from");
  if (from?.includes("$")) {
    const about = flags.get("from")?.[0]?.word;
    throw args.problem("COPY --from doesn't support variable expansion, define alias stage instead", about);
  }
  return {
    kind: "copy",
    ...sourcesAndTarget(args, flags),
    ...(from === undefined ? {} : { from }),
    ...(args.bool(flags, "parents") ? { parents: true } : {}),
  };
}

function parseAdd(args: Arguments): InstructionBody {
  const flags = args.takes(["chown", "chmod", "link", "checksum", "keep-git-dir", "unpack"], ["exclude"]);
  const checksum = args.text(flags, "checksum");
  return {
    kind: "add",
    ...sourcesAndTarget(args, flags),
    ...(checksum === undefined ? {} : { checksum }),
    ...(flags.has("unpack") ? { unpack: args.bool(flags, "unpack") } : {}),
    ...(flags.has("keep-git-dir") ? { keepGitDir: args.bool(flags, "keep-git-dir") } : {}),
  };
}

function parseVolume(args: Arguments): InstructionBody {
  const words = plain(args).json() ?? someWords(args).map((word) => word.text);
  if (words.length === 0) throw args.problem("VOLUME requires at least one argument", args.head);
  if (words.some((path) => path.trim() === "")) throw args.problem("VOLUME specified can not be an empty string");
  return { kind: "volume", paths: words.map((path) => path.trim()) };
}

function parseShell(args: Arguments): InstructionBody {
  const words = plain(args).json();
  if (words === undefined) throw args.problem("SHELL requires the arguments to be in JSON form");
  if (words.length === 0) throw args.problem("SHELL requires at least one argument");
  return { kind: "shell", words };
}

function parseOnbuild(args: Arguments): InstructionBody {
  const words = plain(args).words();
  const first = words[0];
  if (first === undefined) throw args.problem("ONBUILD requires at least one argument", args.head);
  const inner = first.text.toUpperCase();
  if (inner === "ONBUILD") throw args.problem("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", first);
  if (inner === "FROM" || inner === "MAINTAINER") {
    throw args.problem(`${inner} isn't allowed as an ONBUILD trigger`, first);
  }
  const bodies = args.line.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
  return { kind: "onbuild", trigger: args.rest.text.trim() + bodies.join("") };
}

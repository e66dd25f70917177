import { isUrl } from "../fetch-source.ts";
import { parseGitSource } from "../git-source.ts";
import { cleanPath } from "../metadata.ts";
import type { Instruction, Of, Origin } from "../parse/instruction.ts";
import type { Report } from "./rules.ts";

const ONCE = ["cmd", "entrypoint", "healthcheck"] as const;
const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const NO_SECRET = /(?:_|^)public(?:_|$)/i;

/** What rules remember of a stage. */
export class StageMemory {
  /** Where each of those that count once stands. */
  readonly last = new Map<string, Origin>();
  shellSet = false;
  /** A WORKDIR stands in it, or in a stage that it is made from. */
  workdirSet: boolean;

  constructor(base?: StageMemory) {
    this.workdirSet = base?.workdirSet ?? false;
  }
}

/** Rules on one instruction of a stage, with its variables filled in as far as they are known. */
export function checkInstruction(instruction: Instruction, memory: StageMemory, report: Report): void {
  const { kind, origin } = instruction;
  if (ONCE.some((one) => one === kind)) {
    const before = memory.last.get(kind);
    const detail = `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`;
    if (before) report("MultipleInstructionsDisallowed", before, detail);
    memory.last.set(kind, origin);
  }
  switch (kind) {
    case "shell":
      memory.shellSet = true;
      break;
    case "cmd":
    case "entrypoint":
      if (instruction.shell && instruction.words.length > 0 && !memory.shellSet) {
        const detail = `JSON arguments recommended for ${kind.toUpperCase()} to prevent unintended behavior related to OS signals`;
        report("JSONArgsRecommended", origin, detail);
      }
      break;
    case "env":
    case "label":
      if (instruction.legacy) {
        const name = kind.toUpperCase();
        const detail = `"${name} key=value" should be used instead of legacy "${name} key value" format`;
        report("LegacyKeyValueFormat", origin, detail);
      }
      if (kind === "env") for (const { key } of instruction.pairs) checkSecret("ENV", key, origin, report);
      break;
    case "arg":
      for (const { key } of instruction.args) checkSecret("ARG", key, origin, report);
      break;
    case "workdir":
      if (!memory.workdirSet && !instruction.path.startsWith("/")) {
        const shown = JSON.stringify(instruction.path);
        const detail = `Relative workdir ${shown} can have unexpected results if the base image changes`;
        report("WorkdirRelativePath", origin, detail);
      }
      memory.workdirSet = true;
      break;
    case "expose":
      for (const port of instruction.ports) checkPort(port, origin, report);
  }
}

function checkSecret(name: "ENV" | "ARG", key: string, origin: Origin, report: Report): void {
  if (!SECRET.test(key) || NO_SECRET.test(key)) return;
  const detail = `Do not use ARG or ENV instructions for sensitive data (${name} ${JSON.stringify(key)})`;
  report("SecretsUsedInArgOrEnv", origin, detail, key);
}

function checkPort(port: string, origin: Origin, report: Report): void {
  const [numbers = "", protocol = ""] = port.split("/");
  if (protocol !== protocol.toLowerCase()) {
    const detail = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
    report("ExposeProtoCasing", origin, detail, port);
  }
  if (numbers.includes(":")) {
    const detail = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
    report("ExposeInvalidFormat", origin, detail, port);
  }
}

/** Sources from the context that its ignore file leaves out. */
export function checkIgnored(
  instruction: Of<"copy"> | Of<"add">,
  ignored: (path: string) => boolean,
  report: Report,
): void {
  if (instruction.kind === "copy" && instruction.from !== undefined) return;
  for (const source of instruction.sources) {
    if (isUrl(source) || parseGitSource(source)) continue;
    const path = cleanPath(source).slice(1);
    if (path === "" || !ignored(path)) continue;
    const what = instruction.kind === "copy" ? "Copy" : "Add";
    const detail = `Attempting to ${what} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
    report("CopyIgnoredFile", instruction.origin, detail, source);
  }
}

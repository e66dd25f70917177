import { parseAnnotations } from "../../base/annotations.ts";
import { parseAttestWishes } from "../../base/attest-wishes.ts";
import { parseReference } from "../../base/reference.ts";
import { parseBytes } from "../../base/units.ts";
import type { SecretSource } from "../../local/build-secrets.ts";
import type { AgentSource } from "../../local/ssh-agents.ts";
import { commaList, flag, flagOn, integer, list, text, textOr, type Values, value } from "../flags.ts";
import { PROGRESS, type Progress, progressOf } from "../progress/build-screen.ts";
import { createFlags } from "../run-options/flags.ts";
import { parseAgent } from "./agents.ts";
import { cacheFlags } from "./cache.ts";
import { type CheckFormat, checkFormat } from "./check.ts";
import { type OutputWish, parseOutput } from "./outputs.ts";
import { parseSecret } from "./secrets.ts";

const bytes = (usage: string, short?: string) =>
  value<number | undefined>("bytes", undefined, (text) => (text === "-1" ? -1 : parseBytes(text)), usage, short);

const tag = (text: string, before: string[]): string[] => {
  parseReference(text);
  return [...before, text];
};

const attest = (text: string, before: string[]): string[] => {
  parseAttestWishes([text]);
  return [...before, text];
};

function shorthand(type: "provenance" | "sbom", text: string): string {
  if (text === "true" || text === "false") return `type=${type},disabled=${text === "false"}`;
  return `type=${type},${text}`;
}

export const buildFlags = {
  "add-host": createFlags["add-host"],
  annotation: {
    ...list('Add annotations to the image\'s manifest (format: "[TYPE:]key=value")'),
    take: (text: string, before: string[]): string[] => {
      parseAnnotations([text]);
      return [...before, text];
    },
  },
  attest: {
    ...list('Attestations to make (format: "type=sbom", "type=provenance[,mode=max]")'),
    take: attest,
  },
  "build-arg": list("Set build-time variables"),
  "build-context": list("Additional build contexts (e.g., name=path)"),
  ...cacheFlags,
  "cgroup-parent": text('Set the parent cgroup for the "RUN" instructions during build'),
  check: flag("Look for mistakes in the Dockerfile and don't build; ends with 1 if there are any"),
  compress: flag("Compress the build context using gzip"),
  "cpu-period": integer("Limit the CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": integer("Limit the CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-shares": integer("CPU shares (relative weight)", "c"),
  "cpuset-cpus": text("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": text("MEMs in which to allow execution (0-3, 0,1)"),
  "disable-content-trust": flagOn("Skip image verification"),
  file: text('Name of the Dockerfile (Default is "PATH/Dockerfile")', "f", { completes: "file" }),
  format: value("text|json", "text" as CheckFormat, checkFormat, "How --check tells what it found"),
  "force-rm": flag("Always remove intermediate containers"),
  iidfile: text("Write the image ID to the file", undefined, { completes: "file" }),
  isolation: text("Container isolation technology"),
  label: list("Set metadata for an image"),
  memory: bytes("Memory limit", "m"),
  "memory-swap": bytes("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
  load: flag("Keep the image (what a build does unless --output says otherwise)"),
  "metadata-file": text("Write what the build made to a file, as JSON", undefined, { completes: "file" }),
  network: textOr("default", "Set the networking mode for the RUN instructions during build"),
  "no-cache": flag("Do not use cache when building the image"),
  "no-cache-filter": commaList("Do not cache specified stages"),
  output: value(
    "type=TYPE[,dest=DEST]",
    [] as OutputWish[],
    (text, before) => [...before, parseOutput(text)],
    'What to make: "image", "local" (files), "tar", "oci" or "docker" (an archive); DEST alone is a folder, - stdout',
    "o",
  ),
  platform: text("Set platform if server is multi-platform capable"),
  progress: {
    ...value(
      "string",
      undefined as Progress | undefined,
      (text) => progressOf(text),
      `How to show the build: ${PROGRESS.join(", ")}; plain is all that is said, json an event a line`,
    ),
    shown: '"auto"',
    completes: PROGRESS,
  },
  provenance: {
    ...list("Shorthand for --attest=type=provenance (true, false, mode=max)"),
    take: (text: string, before: string[]): string[] => attest(shorthand("provenance", text), before),
  },
  pull: flag("Always attempt to pull a newer version of the image"),
  push: flag("Push the image under its names once it is built"),
  quiet: flag("Suppress the build output and print image ID on success", "q"),
  rm: flagOn("Remove intermediate containers after a successful build"),
  sbom: {
    ...list("Shorthand for --attest=type=sbom (true, false)"),
    take: (text: string, before: string[]): string[] => attest(shorthand("sbom", text), before),
  },
  secret: value(
    "secret",
    [] as SecretSource[],
    (text, before) => [...before, parseSecret(text)],
    'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")',
  ),
  "security-opt": commaList("Security options"),
  "shell-on-fail": {
    ...value(
      "command",
      undefined as string | undefined,
      (text) => (text === "true" ? "" : text),
      "On a terminal: open a shell (or run COMMAND by =COMMAND) in what a RUN that failed left",
    ),
    isSwitch: true,
  },
  "shm-size": bytes('Size of "/dev/shm"'),
  ssh: value(
    "default|<id>[=<socket>|<key>[,<key>]]",
    [] as AgentSource[],
    (text, before) => [...before, parseAgent(text)],
    "SSH agent socket or keys to expose to the build",
  ),
  squash: flag("Squash newly built layers into a single new layer"),
  tag: value("list", [] as string[], tag, 'Name and optionally a tag in the "name:tag" format', "t"),
  target: text("Set the target build stage to build."),
  ulimit: createFlags.ulimit,
  watch: flag("Build again whenever files of the context or the Dockerfile change"),
  why: flag("Say of each step that is not in the cache why it isn't"),
};

export type BuildValues = Values<typeof buildFlags>;

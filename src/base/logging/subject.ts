import { compileTemplate } from "../go-template/index.ts";
import type { LogOptions } from "./options.ts";
import { badLogOption } from "./values.ts";

/** Whose log it is, as it was when the container started: what messages and `docker logs --details` say of it. */
export interface LogSubject {
  containerId: string;
  /** Without the leading slash. */
  containerName: string;
  /** With its algorithm. */
  imageId: string;
  /** As asked for. */
  imageName: string;
  /** RFC 3339. */
  created: string;
  /** Entrypoint and arguments in one line. */
  command: string;
  /** "" where none was asked for and the driver has none of its own. */
  tag: string;
  /** Labels and variables picked by `labels`, `env` and their regular expressions. */
  attributes: Record<string, string>;
}

export interface SubjectFacts extends Omit<LogSubject, "command" | "tag" | "attributes"> {
  entrypoint: string;
  args: string[];
  labels: Record<string, string>;
  /** `A=b` */
  env: string[];
  hostname: string;
}

const DEFAULT_TAG = "{{.ID}}";

/** Throws BAD_LOG_OPT or BAD_TEMPLATE in Go's words for a tag or a regular expression that is none. */
export function logSubject(driver: string, options: LogOptions, facts: SubjectFacts): LogSubject {
  const { containerId, containerName, imageId, imageName, created } = facts;
  const attributes = attributesOf(options, facts);
  const asked = options["tag"] ?? "";
  const ownTag = driver === "json-file" || driver === "local" ? "" : DEFAULT_TAG;
  const tag = tagOf(asked || ownTag, options, facts);
  if (driver === "json-file" && tag !== "") attributes["tag"] = tag;
  const command = [facts.entrypoint, ...facts.args].join(" ");
  return { containerId, containerName, imageId, imageName, created, command, tag, attributes };
}

function tagOf(template: string, options: LogOptions, facts: SubjectFacts): string {
  const bareImage = facts.imageId.replace(/^sha256:/, "");
  return compileTemplate(template, { name: "log-tag", typeName: "*logger.Info" })({
    ID: facts.containerId.slice(0, 12),
    FullID: facts.containerId,
    Name: facts.containerName,
    ImageID: bareImage.slice(0, 12),
    ImageFullID: bareImage,
    ImageName: facts.imageName,
    Command: [facts.entrypoint, ...facts.args].join(" "),
    Hostname: facts.hostname,
    DaemonName: "docker",
    Config: options,
    ContainerID: facts.containerId,
    ContainerName: `/${facts.containerName}`,
    ContainerEntrypoint: facts.entrypoint,
    ContainerArgs: facts.args,
    ContainerImageID: facts.imageId,
    ContainerImageName: facts.imageName,
    ContainerCreated: facts.created,
    ContainerEnv: facts.env,
    ContainerLabels: facts.labels,
  });
}

/** Variables win over labels of the same name. */
function attributesOf(options: LogOptions, facts: SubjectFacts): Record<string, string> {
  const variables = Object.fromEntries(
    facts.env
      .filter((pair) => pair.includes("="))
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
  return {
    ...picked(facts.labels, options["labels"], options["labels-regex"]),
    ...picked(variables, options["env"], options["env-regex"]),
  };
}

function picked(values: Record<string, string>, names = "", expression = ""): Record<string, string> {
  const named = new Set(names.split(","));
  const pattern = expression === "" ? undefined : compileExpression(expression);
  return Object.fromEntries(Object.entries(values).filter(([key]) => named.has(key) || pattern?.test(key)));
}

/** Go's flags before the expression and its named groups are written another way here. */
function compileExpression(text: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(text);
  const body = text.slice(flags?.[0].length ?? 0).replaceAll("(?P<", "(?<");
  try {
    return new RegExp(body, flags?.[1] ?? "");
  } catch (error) {
    const why = (error as Error).message;
    const words = /Unterminated group/.test(why)
      ? "missing closing )"
      : /Unterminated character class/.test(why)
        ? "missing closing ]"
        : /Nothing to repeat/.test(why)
          ? "invalid nested repetition operator"
          : /Unmatched '\)'/.test(why)
            ? "unexpected )"
            : "invalid or unsupported expression";
    throw badLogOption(`error parsing regexp: ${words}: \`${text}\``);
  }
}

const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Attributes as `docker logs --details` shows them before a line. */
export const attributeWords = (attributes: Record<string, string>): string =>
  Object.keys(attributes)
    .toSorted()
    .map((key) => `${escaped(key)}=${escaped(attributes[key] ?? "")}`)
    .join(",");

import assert from "node:assert/strict";
import fs from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import path from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { parse } from "yaml";

const FILE = path.resolve(import.meta.dirname, "../../../shared/spec/docker-engine-api-v1.51.yaml");
export const WITHOUT_SPEC = fs.existsSync(FILE) ? false : `the API's Swagger file is not at ${FILE}`;

export type Schema = Record<string, unknown> & {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  allOf?: Schema[];
  required?: string[];
  enum?: unknown[];
};

export interface Operation {
  tags?: string[];
  produces?: string[];
  parameters?: { name: string; in: string; schema?: Schema }[];
  responses: Record<string, { schema?: Schema }>;
}

/** What answers had before API 1.`before`, and the file of today no more. */
const OLD_FIELDS: { operation: string; before: number; field: string }[] = [
  { operation: "GET /images/{name}/json", before: 44, field: "VirtualSize" },
  { operation: "GET /images/{name}/json", before: 45, field: "Container" },
  { operation: "GET /images/{name}/json", before: 45, field: "ContainerConfig" },
  ...["Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"].map(
    (field) => ({ operation: "GET /images/{name}/json", before: 50, field: `Config.${field}` }),
  ),
  { operation: "GET /images/{name}/json", before: 50, field: "Config.Image" },
  { operation: "GET /images/json", before: 44, field: "[].VirtualSize" },
  { operation: "GET /system/df", before: 44, field: "Images.[].VirtualSize" },
  { operation: "GET /system/df", before: 42, field: "BuildCache.[].Parent" },
  { operation: "GET /system/df", before: 42, field: "BuilderSize" },
  { operation: "GET /info", before: 50, field: "BridgeNfIptables" },
  { operation: "GET /info", before: 50, field: "BridgeNfIp6tables" },
  { operation: "GET /info", before: 49, field: "ContainerdCommit.Expected" },
  { operation: "GET /info", before: 49, field: "RuncCommit.Expected" },
  { operation: "GET /info", before: 49, field: "InitCommit.Expected" },
  { operation: "GET /info", before: 47, field: "RegistryConfig.AllowNondistributableArtifactsCIDRs" },
  { operation: "GET /info", before: 47, field: "RegistryConfig.AllowNondistributableArtifactsHostnames" },
  { operation: "GET /info", before: 25, field: "ExecutionDriver" },
  // of the events of images and containers, in all versions that are spoken
  ...["status", "id", "from"].map((field) => ({ operation: "GET /events", before: 52, field: `?${field}` })),
];

/** Where dockerd itself answers null although the file does not say so, and clients expect it. */
const NULL_IN_DOCKERD = new Set(["MemorySwappiness", "ExitCode", "Labels"]);

/** Statuses that dockerd answers and the file forgets. docs/api.md lists them. */
export const FORGOTTEN = new Set([
  "POST /containers/{id}/pause 409",
  "POST /containers/{id}/unpause 409",
  "POST /containers/{id}/update 400",
  "POST /containers/{id}/update 409",
  "POST /networks/create 409",
  "GET /system/df 400",
  "POST /images/{name}/push 400",
  "GET /images/search 400",
]);

/** Fields that Gantry adds to Docker's; clients skip what they don't know. docs/api.md lists them. */
export const OWN_FIELDS = ["State.ExitReason"];

/** What Gantry does not offer, and says so with 501. docs/api.md lists them. */
export const NOT_OFFERED = [
  "GET /plugins/privileges",
  "POST /plugins/pull",
  "POST /plugins/create",
  "POST /swarm/init",
  "POST /swarm/join",
  "POST /session",
];

/** Where an error is the right answer: of a daemon without a swarm, without plugins, without BuildKit. */
export const ABSENT = /^\w+ \/(?:swarm|nodes|services|tasks|secrets|configs|plugins\/|session)|^PUT \/volumes\/{name}$/;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** The Engine API's description, as a judge of answers. */
export class Swagger {
  /** Operations ("GET /info") that worked and whose answer fits, and those of the whole file. */
  readonly covered = new Set<string>();
  readonly all: string[];
  private readonly document: { paths: Record<string, Record<string, Operation>>; definitions: Record<string, Schema> };
  private readonly ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor() {
    this.document = parse(fs.readFileSync(FILE, "utf8"));
    this.all = this.operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  }

  /** Names of a definition's properties, of a nested one's too: "Mount.BindOptions". */
  propertiesOf(definition: string): string[] {
    const [name = "", ...inner] = definition.split(".");
    let schema = this.flatten({ $ref: `#/definitions/${name}` });
    for (const property of inner) schema = this.flatten(schema.properties?.[property] ?? {});
    assert.ok(schema.properties, `${definition} has no properties`);
    return Object.keys(schema.properties);
  }

  /** All of the file's operations. */
  operations(): { method: string; path: string; operation: Operation }[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
    );
  }

  /**
   * `template`: the path as the file writes it. The status must be one that it lists, the media type one that it names,
   * and the body must fit. `minor`: of the API version asked for; the body is held against the file without what went
   * out of the API since, all of which must be there.
   */
  check(method: string, template: string, { status, headers, text }: Answer, minor = 51): void {
    const operation = this.document.paths[template]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${template} is no operation of the API`);
    const name = `${method} ${template}`;
    if (status === 101) {
      // what follows is no HTTP
      this.covered.add(name);
      return;
    }
    assert.equal(headers["api-version"], "1.51");
    assert.equal(headers["docker-experimental"], "false");
    assert.equal(headers["ostype"], "linux");
    assert.match(String(headers["server"]), /^Gantry\/[\w.-]+ \(linux\)$/);
    const type = headers["content-type"]?.split(";")[0] ?? "";
    if (status >= 400 && method !== "HEAD") {
      assert.equal(type, "application/json", `${name} ${status}`);
      const { message, ...own } = JSON.parse(text) as Record<string, unknown>;
      assert.equal(typeof message, "string");
      // beside Docker's field an error has Gantry's own, which clients skip
      assert.ok(Object.keys(own).every((key) => ["code", "hint"].includes(key)));
    } else if (text !== "") {
      const types = operation.produces ?? ["application/json"];
      assert.ok(types.includes(type), `${name} answered ${type}: ${types.join(" or ")} is expected`);
    }
    if (status === 501 && NOT_OFFERED.includes(name)) {
      this.covered.add(name);
      return;
    }
    if (FORGOTTEN.has(`${name} ${status}`)) return;
    const response = operation.responses[String(status)];
    assert.ok(response, `${name} answered ${status}, which the API does not know: ${text}`);
    if (status < 400 || ABSENT.test(name)) this.covered.add(name);
    if (!response.schema || status === 304 || status >= 400 || method === "HEAD") return;
    if (response.schema.type === "string") return;
    const key = `${name} ${status}`;
    let validate = this.validators.get(key);
    if (!validate) {
      validate = this.ajv.compile(this.convert(response.schema));
      this.validators.set(key, validate);
    }
    const body: unknown = JSON.parse(text);
    for (const { operation: of, before, field } of OLD_FIELDS) {
      if (of === name && minor < before) takeOut(body, field, `${name} in 1.${minor}`);
    }
    validate(body);
    const noise = ["must be null", "must match a schema in anyOf"];
    const errors = (validate.errors ?? []).filter(({ message = "" }) => !noise.includes(message));
    const wrong = errors.map(({ instancePath, message, params }) => {
      const extra = (params as { additionalProperty?: string }).additionalProperty;
      return `${instancePath || "/"} ${message}${extra === undefined ? "" : ` (${extra})`}`;
    });
    const own = OWN_FIELDS.map((field) => {
      const at = field.lastIndexOf(".");
      return `/${field.slice(0, at).replaceAll(".", "/")} must NOT have additional properties (${field.slice(at + 1)})`;
    });
    const unexpected = wrong.filter((one) => !own.includes(one));
    assert.deepEqual(unexpected, [], `${key}: ${text.slice(0, 2000)}`);
  }

  /**
   * Swagger 2 as JSON schema. Go writes an empty list or map as null, so both may be null unless the file forbids it.
   * An object whose fields are listed may have no others: a misspelt field would otherwise pass.
   */
  private convert(schema: Schema, depth = 0, orNull = false): Schema {
    assert.ok(depth < 40, "a schema that contains itself");
    const plain = this.flatten(schema);
    const nullable =
      orNull ||
      plain["x-nullable"] === true ||
      (plain["x-nullable"] !== false && (plain.type === "array" || plain.type === "object" || plain.properties));
    const result: Schema = {};
    if (plain.type) result.type = plain.type;
    if (plain.properties) {
      result.type = "object";
      result.properties = Object.fromEntries(
        Object.entries(plain.properties).map(([name, one]) => [
          name,
          this.convert(one, depth + 1, NULL_IN_DOCKERD.has(name)),
        ]),
      );
      result.additionalProperties = false;
    }
    if (plain.additionalProperties === true) result.additionalProperties = true;
    else if (typeof plain.additionalProperties === "object") {
      result.additionalProperties = this.convert(plain.additionalProperties, depth + 1);
    }
    if (plain.items) result.items = this.convert(plain.items, depth + 1);
    if (plain.required) result.required = plain.required;
    if (plain.enum) result.enum = nullable ? [...plain.enum, null] : plain.enum;
    if (plain.pattern) result["pattern"] = plain["pattern"];
    return nullable ? ({ anyOf: [{ type: "null" }, result] } as Schema) : result;
  }

  /** References looked up, `allOf` put together. What stands beside a reference counts too. */
  flatten(schema: Schema): Schema {
    const { $ref, allOf, ...own } = schema;
    let result: Schema = own;
    if ($ref !== undefined) {
      const target = this.document.definitions[$ref.replace("#/definitions/", "")];
      assert.ok(target, `${$ref} is not defined`);
      result = { ...this.flatten(target), ...own };
    }
    for (const part of allOf ?? []) {
      const { properties, required, ...rest } = this.flatten(part);
      result = { ...rest, ...result };
      if (properties) result.properties = { ...properties, ...result.properties };
      if (required) result.required = [...required, ...(result.required ?? [])];
    }
    return result;
  }
}

/** Takes `Images.[].VirtualSize` out of the body, where it must be; `?from` need not. */
function takeOut(body: unknown, field: string, what: string): void {
  const [first = "", ...rest] = field.split(".");
  if (first === "[]") {
    for (const row of body as unknown[]) takeOut(row, rest.join("."), what);
    return;
  }
  const object = body as Record<string, unknown>;
  const name = first.replace("?", "");
  assert.ok(name !== first || name in object, `${what} has no ${name}`);
  if (rest.length > 0) takeOut(object[name], rest.join("."), what);
  else delete object[name];
}

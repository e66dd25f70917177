import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { parse } from "yaml";

const FILE = path.resolve(import.meta.dirname, "../../../shared/spec/docker-engine-api-v1.51.yaml");
export const WITHOUT_SPEC = fs.existsSync(FILE) ? false : `the API's Swagger file is not at ${FILE}`;

type Schema = Record<string, unknown> & {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  allOf?: Schema[];
  required?: string[];
  enum?: unknown[];
};

interface Operation {
  responses: Record<string, { schema?: Schema }>;
}

/** Where dockerd itself answers null although the file does not say so, and clients expect it. */
const NULL_IN_DOCKERD = new Set(["MemorySwappiness", "ExitCode", "Labels"]);

/** Statuses that dockerd answers and the file forgets. */
const FORGOTTEN = new Set([
  "POST /containers/{id}/pause 409",
  "POST /containers/{id}/unpause 409",
  "POST /networks/create 409",
  "GET /system/df 400",
]);

/** The Engine API's description, as a judge of answers. */
export class Swagger {
  /** Operations ("GET /info") that an answer was held against, and those of the whole file. */
  readonly covered = new Set<string>();
  readonly all: string[];
  private readonly document: { paths: Record<string, Record<string, Operation>>; definitions: Record<string, Schema> };
  private readonly ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor() {
    this.document = parse(fs.readFileSync(FILE, "utf8"));
    this.all = Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /** `template`: the path as the file writes it. The status must be one that it lists, and the body must fit it. */
  check(method: string, template: string, status: number, text: string): void {
    const operation = this.document.paths[template]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${template} is no operation of the API`);
    const name = `${method} ${template}`;
    if (FORGOTTEN.has(`${name} ${status}`)) return;
    const response = operation.responses[String(status)];
    assert.ok(response, `${name} answered ${status}, which the API does not know: ${text}`);
    this.covered.add(name);
    if (!response.schema || status === 304) return;
    if (response.schema.type === "string") return;
    const key = `${name} ${status}`;
    let validate = this.validators.get(key);
    if (!validate) {
      validate = this.ajv.compile(this.convert(response.schema));
      this.validators.set(key, validate);
    }
    const body: unknown = JSON.parse(text);
    validate(body);
    const noise = ["must be null", "must match a schema in anyOf"];
    const errors = (validate.errors ?? []).filter(({ message = "" }) => !noise.includes(message));
    const wrong = errors.map(({ instancePath, message, params }) => {
      const extra = (params as { additionalProperty?: string }).additionalProperty;
      return `${instancePath || "/"} ${message}${extra === undefined ? "" : ` (${extra})`}`;
    });
    assert.deepEqual(wrong, [], `${key}: ${text.slice(0, 2000)}`);
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
  private flatten(schema: Schema): Schema {
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

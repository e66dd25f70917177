import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { run, TestEngine } from "../support/engine.ts";
import { ABSENT, type Operation, type Schema, Swagger, WITHOUT_SPEC } from "../support/swagger.ts";

const REQUESTS = 10_000;
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_122);
/** At a time. */
const CLIENTS = 8;
/** Milliseconds: what streams on is left then. */
const PATIENCE = 250;

interface Shot {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Names of things that are not there, and that nobody should use. */
const odd = fc.constantFrom(
  ...[
    "fuzzed",
    "other",
    "busybox",
    "busybox:latest",
    "nosuch",
    "bridge",
    "fuzznet",
    "fuzzvol",
    "a",
    "%2e%2e",
    "..",
    "-",
  ],
  ...["%00", "a%2Fb", "%E2%82%AC", "x".repeat(300), "UPPER", "sha256:00", "'; drop", "{}", "\u0000", "~"],
);
const names = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("fuzzed", "busybox", "bridge", "fuzznet", "fuzzvol") },
  {
    weight: 1,
    arbitrary: odd,
  },
);
/** No host but this machine is asked for anything, and nothing outside of it is mounted. */
const registryNames = names.map((name) => `127.0.0.1:1/${name}`);
const words = fc.oneof(
  { weight: 3, arbitrary: names },
  { weight: 2, arbitrary: fc.constantFrom("", "0", "1", "true", "false", "-1", "1e3", "NaN", "null", "tcp", "80/tcp") },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }).map((text) => text.replaceAll("/", "")) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("[]", "{}", "[[", '{"a":', '{"label":["a"]}', '{"until":{"x":true}}', "[1]"),
  },
);
const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, "", [], {}, [null], [{}], { a: 1 }),
  words,
  fc.constant(JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{}}}')),
);

/** Without these nothing would come further than the first check. */
const OWN_FIELDS: Record<string, fc.Arbitrary<unknown>> = {
  Image: fc.constantFrom("busybox", "busybox", "busybox", "nosuch", 1, null),
  Cmd: fc.constantFrom(["sleep", "100"], ["true"], "true", [], ["nosuch"], [1]),
  serveraddress: fc.constantFrom("127.0.0.1:1", "http://127.0.0.1:1/v1/", 1),
  Runtime: fc.constantFrom("", "runc", "crun", "nosuch"),
  NetworkMode: fc.constantFrom("", "bridge", "host", "none", "fuzznet", "container:fuzzed", "container:", 3),
};

/** A value that fits the schema more or less. */
function valueOf(swagger: Swagger, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const plain = swagger.flatten(schema);
  const right = (): fc.Arbitrary<unknown> => {
    if (plain.enum) return fc.constantFrom(...plain.enum);
    if (plain.type === "boolean") return fc.boolean();
    if (plain.type === "integer" || plain.type === "number") {
      return fc.constantFrom(0, 1, 2, 5, 64, 1000, 2 ** 26, -1, 0.5, 2 ** 31, 2 ** 40);
    }
    if (plain.type === "array" && depth > 0) {
      return fc.array(valueOf(swagger, plain.items ?? {}, depth - 1), { maxLength: 3 });
    }
    if (plain.properties && depth > 0) {
      const fields = Object.entries(plain.properties).map(
        ([name, one]) => [name, OWN_FIELDS[name] ?? valueOf(swagger, one, depth - 1)] as const,
      );
      return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
    }
    if (typeof plain.additionalProperties === "object" && depth > 0) {
      return fc.dictionary(words, valueOf(swagger, plain.additionalProperties, depth - 1), { maxKeys: 3 });
    }
    return plain.type === "string" ? words : junk;
  };
  return fc.oneof({ weight: 60, arbitrary: right() }, { weight: 1, arbitrary: junk });
}

/** Where a name is a registry's, or a wait without end. */
const OWN_VALUES: Record<string, fc.Arbitrary<string>> = {
  fromImage: registryNames,
  fromSrc: fc.constant("-"),
  remote: names,
  t: fc.constantFrom("0", "1", "x", "1.5", ""),
  until: fc.constantFrom("1", "1.5", "0", "x", "2020-01-01"),
  follow: fc.constantFrom("0", "no"),
  stream: fc.constantFrom("0", "no"),
  "one-shot": fc.constantFrom("1", "true"),
};

function shotsAt(swagger: Swagger, method: string, template: string, operation: Operation): fc.Arbitrary<Shot> {
  const parameters = (operation.parameters ?? []).filter((one) => one.in === "query");
  const query = Object.fromEntries(
    parameters.map(({ name }) => [name, name === "t" && template === "/build" ? names : (OWN_VALUES[name] ?? words)]),
  );
  const schema = operation.parameters?.find((one) => one.in === "body")?.schema;
  const needed = ["follow", "stream", "one-shot", "until"].filter((name) => name in query);
  // what takes away the few things that are there hits them less often
  const takesAway = method === "delete" || /\/(?:rename|kill|stop)$/.test(template);
  const own = takesAway
    ? "other"
    : template.startsWith("/images")
      ? "busybox"
      : `fuzz${{ n: "net", v: "vol" }[template[1] ?? ""] ?? "ed"}`;
  const fromRegistry = /\/push$|^\/distribution/.test(template);
  return fc.record({
    method: fc.oneof(
      { weight: 30, arbitrary: fc.constant(method.toUpperCase()) },
      { weight: 1, arbitrary: fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS") },
    ),
    path: fc
      .record({
        version: fc.oneof(
          { weight: 20, arbitrary: fc.constantFrom("/v1.51", "/v1.43", "/v1.24", "") },
          { weight: 1, arbitrary: fc.constantFrom("/v1.99", "/v1.1", "/v99999999999.1", "/vx") },
        ),
        name: fromRegistry
          ? registryNames
          : fc.oneof({ weight: 3, arbitrary: fc.constant(own) }, { weight: 1, arbitrary: names }),
        query: fc.record(query, { requiredKeys: needed }),
        extra: fc.constantFrom("", "", "", "&unknown=1", "&=", "&&", "&%zz=%"),
      })
      .map(({ version, name, query: chosen, extra }) => {
        const target = template.replace(/\{\w+\}/, name);
        return `${version}${target}?${new URLSearchParams(chosen as Record<string, string>)}${extra}`;
      }),
    headers: fc.record(
      {
        "Content-Type": fc.constantFrom(
          ...Array.from({ length: 12 }, () => "application/json"),
          ...["application/json; charset=x", "application/x-tar", "text/html", ""],
        ),
        "X-Registry-Auth": fc.constantFrom("", "e30=", "!!!", "bnVsbA==", "W10=", "IngiCg=="),
        Connection: fc.constant("keep-alive"),
      },
      { requiredKeys: ["Content-Type"] },
    ),
    body: fc.oneof(
      {
        weight: 20,
        arbitrary: (schema ? valueOf(swagger, schema, 4) : fc.constant({})).map((value) => JSON.stringify(value) ?? ""),
      },
      { weight: 1, arbitrary: fc.constantFrom("", "{", "[]", "null", '"x"', "0", "[".repeat(20_000), "\u0000") },
    ),
  }) as fc.Arbitrary<Shot>;
}

/** The path's characters that HTTP forbids are written as a careless client would. */
const sendable = (path: string): string => path.replace(/[^\u0021-\u007e]/g, (char) => encodeURIComponent(char));

/** What is right to answer with 5xx: what is not offered, what has no swarm, and registries that are not there. */
const RIGHT = new Set([
  ...["NO_SWARM_MANAGER", "NO_SWARM", "NO_SWARM_MODE", "NO_PLUGINS", "NO_SEARCH", "BUILDKIT_ONLY"],
  ...["NO_SUCH_NETWORK_KIND", "REGISTRY_UNREACHABLE"],
]);

describe("mutated requests", { skip: WITHOUT_SPEC }, () => {
  let engine: TestEngine;
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  before(async () => {
    engine = await TestEngine.start();
  });
  after(async () => {
    agent.destroy();
    await engine.end();
  });

  const fire = ({ method, path, headers, body }: Shot): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const sent = { ...headers, "Content-Length": String(Buffer.byteLength(body)) };
      const request = http.request({
        ...{ socketPath: engine.socket, method, path: sendable(path), headers: sent, agent, timeout: 20_000 },
      });
      let text = "";
      let status = 0;
      const waits = path.includes("/wait?") ? setTimeout(() => request.destroy(), PATIENCE) : undefined;
      const done = (): void => {
        clearTimeout(waits);
        resolve({ status: waits === undefined ? status : status || 200, text });
      };
      request.on("response", (response) => {
        status = response.statusCode ?? 0;
        const late = setTimeout(() => request.destroy(), PATIENCE);
        response.on("data", (chunk: Buffer) => (text = text.length < 10_000 ? text + String(chunk) : text));
        response.on("close", () => {
          clearTimeout(late);
          done();
        });
        response.on("error", () => {});
      });
      request.on("timeout", () => request.destroy(new Error(`no answer: ${method} ${path}`)));
      request.on("error", (error) => (status > 0 || waits !== undefined ? done() : reject(error)));
      request.end(body);
    });

  it(`${REQUESTS} of them: no unexpected 5xx, no crash, and the engine still works`, async (t) => {
    const swagger = new Swagger();
    const perOperation = swagger.operations().map(({ method, path, operation }) => ({
      weight: ABSENT.test(`${method.toUpperCase()} ${path}`) ? 1 : 6,
      arbitrary: shotsAt(swagger, method, path, operation),
    }));
    const shots = fc.sample(fc.oneof(...perOperation), { numRuns: REQUESTS, seed: SEED });
    const { pid } = engine;
    const wrong: string[] = [];
    const statuses = new Map<number, number>();
    const began = performance.now();
    const restore = async (): Promise<void> => {
      await run("docker", ["run", "-d", "--init", "--name", "fuzzed", "busybox", "sleep", "1000"], { env: engine.env });
      await engine.docker("start", "fuzzed");
      await engine.gantry("image", "bootstrap", "busybox");
      await engine.docker("network", "create", "fuzznet");
      await engine.docker("volume", "create", "fuzzvol");
    };
    await restore();
    let next = 0;
    const client = async (): Promise<void> => {
      for (let at = next++; at < shots.length; at = next++) {
        if (at % 1000 === 999) await restore();
        const shot = shots[at] as Shot;
        const { status, text } = await fire(shot).catch((error: unknown) => ({ status: 0, text: String(error) }));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status >= 100 && status < 500) continue;
        const code = /"code":"(\w+)"/.exec(text)?.[1] ?? "";
        if (!RIGHT.has(code)) wrong.push(`${status} ${shot.method} ${shot.path} ${shot.body.slice(0, 500)}: ${text}`);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const counts = [...statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    t.diagnostic(`${counts.join(", ")}; ${Math.round(performance.now() - began)} ms`);
    assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} wrong answers`);
    assert.doesNotMatch(engine.log, /bug/);
    assert.equal(engine.pid, pid);
    assert.equal((await engine.get("/_ping")).text, "OK");
    assert.equal(await engine.ok("run", "--rm", "busybox", "echo", "still here"), "still here");
  });
});

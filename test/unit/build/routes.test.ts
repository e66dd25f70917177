import { Readable } from "node:stream";
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { GantryError, isGantryError } from "../../../src/base/errors.ts";
import type { BuildEvent, OnBuildEvent } from "../../../src/base/build-events.ts";
import type { BuildRequest } from "../../../src/build/context.ts";
import { BuildSessions } from "../../../src/server/build-sessions.ts";
import { Call } from "../../../src/server/call.ts";
import { buildRoutes } from "../../../src/server/routes/build.ts";

class Response extends EventEmitter {
  status = 0;
  body = "";
  writeHead(status: number): void {
    this.status = status;
  }
  flushHeaders(): void {}
  write(text: string): void {
    this.body += text;
  }
  end(text: string | Buffer = ""): void {
    this.body += String(text);
  }
}

interface Asked {
  request?: BuildRequest;
  status: number;
  lines: unknown[];
}

async function ask(
  path: string,
  options: { headers?: Record<string, string>; build?: (say: OnBuildEvent) => string } = {},
): Promise<Asked> {
  const url = new URL(path, "http://engine");
  const asked: Partial<Asked> = {};
  const routes = buildRoutes({
    sessions: new BuildSessions({ clock: { after: () => () => {} }, ids: { id: () => "session" } }),
    builder: {
      check: () => assert.fail("nothing is to be checked"),
      build: async (request, _context, emit) => {
        asked.request = request;
        return (options.build ?? (() => "sha256:abc"))(emit);
      },
    },
    platform: { os: "linux", architecture: "amd64" },
  });
  const response = new Response();
  const call = new Call({
    params: {},
    query: url.searchParams,
    version: [1, 51],
    request: Object.assign(Readable.from([]), { headers: options.headers ?? {}, complete: true }) as never,
    response: response as never,
    signal: new AbortController().signal,
  });
  await routes.find((route) => route.path === url.pathname)?.handler(call);
  const lines =
    response.body.trim() === ""
      ? []
      : response.body
          .trim()
          .split("\r\n")
          .map((line): unknown => JSON.parse(line));
  return { ...asked, status: response.status, lines };
}

const query = (values: Record<string, string>): string => `/build?${new URLSearchParams(values)}`;

describe("POST /build", () => {
  it("decodes what the docker CLI sends", async () => {
    const path = `${query({
      dockerfile: "./sub/../docker/Dockerfile",
      nocache: "1",
      nocachefilter: "a,b",
      cachefrom: '["x","y:1"]',
      why: "1",
      pull: "1",
      rm: "0",
      buildargs: '{"A":"1","B":null}',
      labels: '{"l":"v"}',
      target: "t",
      platform: "linux/arm64",
      memory: "1024",
      memswap: "-1",
      cpusetcpus: "0,1",
      networkmode: "host",
      extrahosts: "a:1.2.3.4,b:5.6.7.8",
      ulimits: '[{"Name":"nofile","Soft":1,"Hard":2}]',
      version: "1",
    })}&t=x&t=y:2`;
    const auth = Buffer.from(JSON.stringify({ "r.example": { username: "u", password: "p" } })).toString("base64");
    const { request } = await ask(path, { headers: { "x-registry-config": auth } });
    assert.deepEqual(request, {
      dockerfile: "docker/Dockerfile",
      tags: ["x", "y:2"],
      noCache: true,
      noCacheFilter: ["a", "b"],
      cacheFrom: [
        { type: "image", reference: "x" },
        { type: "image", reference: "y:1" },
      ],
      annotations: {},
      attest: { sbom: false },
      cacheTo: [],
      explain: true,
      shellOnFail: false,
      pull: true,
      buildArgs: { A: "1", B: null },
      labels: { l: "v" },
      target: "t",
      platform: { os: "linux", architecture: "arm64" },
      contexts: {},
      outputs: [],
      hostConfig: {
        Memory: 1024,
        MemorySwap: -1,
        CpusetCpus: "0,1",
        NetworkMode: "host",
        ExtraHosts: ["a:1.2.3.4", "b:5.6.7.8"],
        Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
      },
      auth: { "r.example": { username: "u", password: "p" } },
    });
  });

  it("streams, and ends with the error and its code", async () => {
    const { status, lines } = await ask("/build", {
      build: (say) => {
        say({ kind: "output", step: "1", stream: "stdout", text: "out\n" });
        throw new GantryError("invalid", "RUN_FAILED", "failed", { details: { exitCode: 3 } });
      },
    });
    assert.equal(status, 200);
    assert.deepEqual(lines, [
      { stream: "out\n" },
      { errorDetail: { code: 3, message: "failed", kind: "invalid", reason: "RUN_FAILED" }, error: "failed" },
    ]);
  });

  it("gives events instead of words, and the id where clients of the words look", async () => {
    const summary: BuildEvent = { kind: "summary", image: "sha256:abc", tags: [], ms: 1, steps: 1, cached: 0 };
    const { lines } = await ask("/build?progress=events", {
      build: (say) => {
        say(summary);
        return "sha256:abc";
      },
    });
    assert.deepEqual(lines, [{ build: summary }, { aux: { ID: "sha256:abc" } }]);
    await assert.rejects(ask("/build?progress=fancy"), /unknown progress: fancy/);
  });

  it("an error before the first line is an HTTP error", async () => {
    const building = ask("/build", {
      build: () => {
        throw new GantryError("invalid", "BAD_DOCKERFILE", "bad");
      },
    });
    await assert.rejects(building, (error) => isGantryError(error, "BAD_DOCKERFILE"));
  });

  it("quietly says the id alone, or all there was when it failed", async () => {
    const said = (say: OnBuildEvent): string => {
      say({ kind: "output", step: "1", stream: "stdout", text: "Step\n" });
      return "sha256:abc";
    };
    assert.deepEqual((await ask("/build?q=1", { build: said })).lines, [{ stream: "sha256:abc\n" }]);
    const failed = await ask("/build?q=1", {
      build: (say) => {
        said(say);
        throw new GantryError("invalid", "RUN_FAILED", "failed");
      },
    });
    const errorDetail = { message: "failed", kind: "invalid", reason: "RUN_FAILED" };
    assert.deepEqual(failed.lines, [{ stream: "Step\n" }, { errorDetail, error: "failed" }]);
  });

  const refused: [string, Record<string, string>, RegExp][] = [
    ["BuildKit", { version: "2" }, /BuildKit is not supported/],
    ["an output of no type", { outputs: "[{}]" }, /unknown output type undefined/],
    ["broken JSON", { buildargs: "{" }, /error reading buildargs/],
    ["labels that are no texts", { labels: '{"a":1}' }, /error reading labels/],
    ["ulimits of another shape", { ulimits: '[{"Name":"x"}]' }, /error reading ulimit settings/],
    [
      "a Dockerfile outside of the context",
      { dockerfile: "../Dockerfile" },
      /forbidden path outside the build context/,
    ],
    ["a number that is none", { memory: "lots" }, /strconv/],
    ["several platforms", { platform: "linux/amd64,linux/arm64" }, /multiple platforms are not supported by one build/],
    ["a platform that is none", { platform: "a/b/c/d" }, /unknown operating system or architecture/],
  ];
  for (const [what, values, message] of refused) {
    it(`refuses ${what}`, () => assert.rejects(ask(query(values)), message));
  }
});

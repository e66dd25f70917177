import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { GANTRY, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

/** Why there is no Debian to build on; undefined: there is one. */
let without: string | undefined;
let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ busybox: false });
  const made = await run(GANTRY, ["image", "bootstrap", "debian:bookworm"], {
    env: engine.env,
    timeout: 240_000,
  });
  if (made.code === 0) return;
  assert.match(made.stderr, /mirror|resolve|connect|fetch|download|timed out/i);
  without = `no Debian from its mirror: ${made.stderr.trim().slice(-200)}`;
});
after(() => engine.end());

/** Builds a project's files with the stock client. */
async function build(t: TestContext, name: string, files: Record<string, string>): Promise<boolean> {
  if (without !== undefined) {
    t.skip(without);
    return false;
  }
  const built = await run("docker", ["build", "-t", name, engine.project(files)], {
    env: engine.env,
    timeout: 300_000,
  });
  assert.equal(built.code, 0, built.stdout.slice(-3000) + built.stderr.slice(-1000));
  return true;
}

/** What a container of the image serves at its port. */
async function page(name: string, port: number, path = "/"): Promise<string> {
  await engine.ok("run", "-d", "--name", name, name);
  const address = await engine.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
  let text = "";
  await until(
    async () => {
      const answer = await fetch(`http://${address}:${port}${path}`).catch(() => undefined);
      text = (await answer?.text()) ?? "";
      return answer?.status === 200;
    },
    { what: `${name} to serve`, timeout: 20_000, every: 100 },
  );
  await engine.ok("rm", "-f", name);
  return text;
}

const INSTALL = "RUN apt-get update && apt-get install -y --no-install-recommends";

describe("a project builds and serves its page:", () => {
  it("a C program, compiled in one stage and shipped FROM scratch", async (t) => {
    const server = `#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8080)};
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(s, (void *)&a, sizeof a) || listen(s, 8)) return 1;
  for (;;) {
    int c = accept(s, 0, 0);
    char b[4096];
    const char *r = "HTTP/1.0 200 OK\\r\\nContent-Length: 7\\r\\n\\r\\nfrom C\\n";
    if (read(c, b, sizeof b) > 0) write(c, r, strlen(r));
    close(c);
  }
}
`;
    const dockerfile = [
      "FROM debian:bookworm AS build",
      `${INSTALL} gcc libc6-dev`,
      "WORKDIR /src",
      "COPY server.c .",
      "RUN gcc -O2 -static -o /server server.c",
      "FROM scratch",
      "COPY --from=0 /server /server",
      "USER 1000",
      "EXPOSE 8080",
      'ENTRYPOINT ["/server"]',
    ];
    if (!(await build(t, "c-program", { Dockerfile: dockerfile.join("\n"), "server.c": server }))) return;
    assert.equal(await page("c-program", 8080), "from C\n");
    assert.ok(Number(await engine.ok("inspect", "-f", "{{.Size}}", "c-program")) < 2e6, "the compiler stays behind");
  });

  it("a static site behind nginx", async (t) => {
    const dockerfile = [
      "FROM debian:bookworm",
      `${INSTALL} nginx-light && rm -rf /var/lib/apt/lists/*`,
      "COPY site/ /var/www/html/",
      "EXPOSE 80",
      "STOPSIGNAL SIGQUIT",
      'CMD ["nginx", "-g", "daemon off;"]',
    ];
    if (!(await build(t, "site", { Dockerfile: dockerfile.join("\n"), "site/index.html": "a page\n" }))) return;
    assert.equal(await page("site", 80, "/index.html"), "a page\n");
  });

  it("a Python application of a package of its own, with a cache for wheels, as a user of its own", async (t) => {
    const dockerfile = [
      "FROM debian:bookworm",
      `${INSTALL} python3 python3-pip python3-setuptools python3-wheel`,
      "RUN useradd --create-home app",
      "USER app",
      "WORKDIR /home/app/service",
      "COPY --chown=app . .",
      "RUN --mount=type=cache,target=/home/app/.cache/pip,uid=1000 \\",
      "    pip install --user --break-system-packages --no-build-isolation --no-index ./greeting",
      'CMD ["python3", "serve.py"]',
    ];
    const serve = `import greeting, http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{greeting.TEXT} {os.getuid()} {os.access('.', os.W_OK)}".encode())
http.server.HTTPServer(("", 8000), Handler).serve_forever()
`;
    const files = {
      Dockerfile: dockerfile.join("\n"),
      "serve.py": serve,
      "greeting/setup.py":
        "from setuptools import setup\nsetup(name='greeting', version='1', py_modules=['greeting'])\n",
      "greeting/greeting.py": "TEXT = 'from Python'\n",
    };
    if (!(await build(t, "python-app", files))) return;
    assert.equal(await page("python-app", 8000), "from Python 1000 True");
  });

  it("a Go program, by its stage's number", async (t) => {
    const program = `package main

import ("fmt"; "net/http")

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from Go") })
	http.ListenAndServe(":8080", nil)
}
`;
    const dockerfile = [
      "FROM debian:bookworm",
      `${INSTALL} golang-go`,
      "WORKDIR /src",
      "COPY go.mod *.go ./",
      "RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o /served .",
      "FROM scratch",
      "COPY --from=0 /served /served",
      'ENTRYPOINT ["/served"]',
    ];
    const files = { "main.go": program, "go.mod": "module served\n\ngo 1.19\n", Dockerfile: dockerfile.join("\n") };
    if (await build(t, "go", files)) assert.equal(await page("go", 8080), "from Go");
  });

  it("a Node service with a lock file, as a user of its own", async (t) => {
    const greeting = { name: "greeting", version: "1.0.0" };
    const files = {
      Dockerfile: [
        "FROM debian:bookworm",
        `${INSTALL} nodejs npm`,
        "RUN useradd --create-home node",
        "USER node",
        "WORKDIR /home/node/app",
        "COPY --chown=node:node package.json package-lock.json ./",
        "COPY --chown=node:node greeting greeting",
        "RUN npm ci --offline --no-audit",
        "COPY --chown=node:node server.js .",
        'CMD ["node", "server.js"]',
      ].join("\n"),
      "package.json": JSON.stringify({ name: "app", version: "1.0.0", dependencies: { greeting: "file:greeting" } }),
      "package-lock.json": JSON.stringify({
        ...{ name: "app", version: "1.0.0", lockfileVersion: 3, requires: true },
        packages: {
          "": { name: "app", version: "1.0.0", dependencies: { greeting: "file:greeting" } },
          greeting: { version: "1.0.0" },
          "node_modules/greeting": { resolved: "greeting", link: true },
        },
      }),
      "greeting/package.json": JSON.stringify(greeting),
      "greeting/index.js": 'module.exports = () => `from Node as ${require("os").userInfo().username}`;',
      "server.js":
        'const greet = require("greeting"); require("http").createServer((_, answer) => answer.end(greet())).listen(8080);',
    };
    if (await build(t, "node", files)) assert.equal(await page("node", 8080), "from Node as node");
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";

type Testcontainers = typeof import("testcontainers");

/** A small web server that says when it is up. */
const SERVER = [
  "sh",
  "-c",
  "mkdir -p /www; echo lifted > /www/index.html; echo listening; exec httpd -f -p 8080 -h /www",
];

describe("testcontainers", () => {
  let engine: TestEngine;
  let tc: Testcontainers;
  before(async () => {
    engine = await TestEngine.start();
    // What docs/clients.md tells its users to set.
    Object.assign(process.env, { DOCKER_HOST: engine.env["DOCKER_HOST"], TESTCONTAINERS_RYUK_DISABLED: "true" });
    tc = await import("testcontainers");
  });
  after(() => engine.end());

  const page = async (container: { getHost(): string; getMappedPort(port: number): number }): Promise<string> =>
    (await fetch(`http://${container.getHost()}:${container.getMappedPort(8080)}/`)).text();

  it("waits for a port that listens", async () => {
    const container = await new tc.GenericContainer("busybox:latest")
      .withCommand(SERVER)
      .withExposedPorts(8080)
      .start();
    assert.equal(await page(container), "lifted\n");
    await container.stop();
  });

  it("waits for a line in the log, an HTTP answer, a command, a health check", async () => {
    for (const strategy of [
      tc.Wait.forLogMessage("listening"),
      tc.Wait.forHttp("/index.html", 8080).forStatusCode(200),
      tc.Wait.forSuccessfulCommand("wget -qO- http://127.0.0.1:8080/"),
      tc.Wait.forAll([tc.Wait.forListeningPorts(), tc.Wait.forLogMessage(/listen/)]),
    ]) {
      const container = await new tc.GenericContainer("busybox:latest")
        .withCommand(SERVER)
        .withExposedPorts(8080)
        .withWaitStrategy(strategy)
        .start();
      await container.stop();
    }
    const checked = await new tc.GenericContainer("busybox:latest")
      .withCommand(SERVER)
      .withExposedPorts(8080)
      .withHealthCheck({ test: ["CMD-SHELL", "wget -qO- http://127.0.0.1:8080/"], interval: 200, retries: 20 })
      .withWaitStrategy(tc.Wait.forHealthCheck())
      .start();
    await checked.stop();
    const done = await new tc.GenericContainer("busybox:latest")
      .withCommand(["true"])
      .withWaitStrategy(tc.Wait.forOneShotStartup())
      .start();
    await done.stop();
  });

  it("says what failed", async () => {
    const failing = new tc.GenericContainer("busybox:latest")
      .withCommand(["false"])
      .withWaitStrategy(tc.Wait.forOneShotStartup());
    await assert.rejects(failing.start(), /Container failed to start/);
    const silent = new tc.GenericContainer("busybox:latest")
      .withCommand(["sleep", "60"])
      .withWaitStrategy(tc.Wait.forLogMessage("never"))
      .withStartupTimeout(500);
    await assert.rejects(silent.start(), /Log message "never" not received/);
  });

  it("execs, copies and configures", async () => {
    const container = await new tc.GenericContainer("busybox:latest")
      .withCommand(["sleep", "300"])
      .withEnvironment({ CRANE: "tall" })
      .withLabels({ team: "cranes" })
      .withTmpFs({ "/scratch": "rw,size=1m" })
      .withCopyContentToContainer([{ content: "first", target: "/in/first" }])
      .withResourcesQuota({ memory: 0.125, cpu: 1 })
      .withUser("1000:1000")
      .withWorkingDir("/tmp")
      .withPrivilegedMode()
      .withUlimits({ nofile: { soft: 100, hard: 200 } })
      .withExtraHosts([{ host: "crane", ipAddress: "10.0.0.1" }])
      .start();
    const { output, exitCode } = await container.exec(["sh", "-c", "echo $CRANE; id -u; pwd; cat /in/first; exit 3"]);
    assert.deepEqual({ output, exitCode }, { output: "tall\n1000\n/tmp\nfirst", exitCode: 3 });
    const apart = await container.exec(["sh", "-c", "echo out; echo err >&2"], {
      user: "0",
      workingDir: "/",
      env: { A: "1" },
    });
    assert.deepEqual([apart.stdout, apart.stderr], ["out\n", "err\n"]);
    const file = path.join(engine.folder, "second");
    fs.writeFileSync(file, "second");
    await container.copyFilesToContainer([{ source: file, target: "/in/second" }]);
    fs.mkdirSync(path.join(engine.folder, "tree/deep"), { recursive: true });
    fs.writeFileSync(path.join(engine.folder, "tree/deep/leaf"), "leaf");
    await container.copyDirectoriesToContainer([{ source: path.join(engine.folder, "tree"), target: "/tree" }]);
    assert.equal((await container.exec(["cat", "/in/second", "/tree/deep/leaf"])).output, "secondleaf");
    const tar = await container.copyArchiveFromContainer("/in/second");
    assert.match(await text(tar), /second/);
    await container.restart();
    assert.equal((await container.exec(["true"])).exitCode, 0);
    const image = await container.commit({ repo: "tc-made", tag: "1", deleteOnExit: false });
    assert.match(image, /^sha256:/);
    await container.stop();
    await engine.ok("rmi", "tc-made:1");
  });

  it("follows logs", async () => {
    const lines: string[] = [];
    const container = await new tc.GenericContainer("busybox:latest")
      .withCommand(["sh", "-c", "for i in 1 2 3; do echo line $i; done; exec sleep 300"])
      .withLogConsumer((stream) => stream.on("data", (line: string) => lines.push(line)))
      .withWaitStrategy(tc.Wait.forLogMessage("line 3"))
      .start();
    await container.stop();
    assert.deepEqual(
      lines.map((line) => line.trim()),
      ["line 1", "line 2", "line 3"],
    );
  });

  it("networks: containers of one reach each other", async () => {
    const network = await new tc.Network().start();
    const server = await new tc.GenericContainer("busybox:latest")
      .withNetwork(network)
      .withNetworkAliases("web")
      .withCommand(SERVER)
      .withExposedPorts(8080)
      .start();
    const client = await new tc.GenericContainer("busybox:latest")
      .withNetwork(network)
      .withCommand(["sleep", "300"])
      .start();
    for (const host of ["web", server.getIpAddress(network.getName())]) {
      assert.equal((await client.exec(["wget", "-qO-", `http://${host}:8080/`])).output, "lifted\n");
    }
    await Promise.all([server.stop(), client.stop()]);
    await network.stop();
  });

  it("builds an image from a Dockerfile", async () => {
    const context = path.join(engine.folder, "tc-context");
    fs.mkdirSync(context);
    fs.writeFileSync(
      path.join(context, "Dockerfile"),
      "FROM busybox\nARG WHO\nRUN echo built for $WHO > /said\nCMD sleep 300\n",
    );
    const built = await tc.GenericContainer.fromDockerfile(context).withBuildArgs({ WHO: "you" }).build("tc-built", {
      deleteOnExit: false,
    });
    const container = await built.start();
    assert.equal((await container.exec(["cat", "/said"])).output, "built for you\n");
    await container.stop();
  });

  it("keeps a container for reuse", async () => {
    process.env["TESTCONTAINERS_REUSE_ENABLE"] = "true";
    const make = () => new tc.GenericContainer("busybox:latest").withCommand(["sleep", "300"]).withReuse().start();
    const [first, second] = [await make(), await make()];
    assert.equal(first.getId(), second.getId());
    await first.stop();
  });

  it("brings up a compose project", async () => {
    const folder = path.join(engine.folder, "project");
    fs.mkdirSync(folder);
    fs.writeFileSync(
      path.join(folder, "docker-compose.yml"),
      [
        'version: "3.5"',
        "services:",
        "  web:",
        "    image: busybox:latest",
        `    command: ["sh", "-c", "${SERVER[2]}"]`,
        '    ports: ["8080"]',
        "    stop_signal: SIGKILL",
        "  worker:",
        "    image: busybox:latest",
        "    command: sleep 300",
        "    stop_signal: SIGKILL",
        "    depends_on: [web]",
        "",
      ].join("\n"),
    );
    const environment = await new tc.DockerComposeEnvironment(folder, "docker-compose.yml")
      .withWaitStrategy("web_1", tc.Wait.forLogMessage("listening"))
      .up();
    const web = environment.getContainer("web_1");
    assert.equal(await page(web), "lifted\n");
    const worker = environment.getContainer("worker_1");
    assert.equal((await worker.exec(["echo", "hi"])).output, "hi\n");
    assert.equal((await worker.exec(["wget", "-qO-", "http://web:8080/"])).output, "lifted\n");
    await environment.down();
  });
});

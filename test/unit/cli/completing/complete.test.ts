import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../../../src/cli/command.ts";
import { answerTo, complete } from "../../../../src/cli/completing/complete.ts";

const container = (name: string, State: string, Id = "f".repeat(64)) => ({
  Id,
  Names: [`/${name}`],
  Image: "busybox",
  State,
  Status: State === "running" ? "Up 2 minutes" : "Exited (0) 5 minutes ago",
});
const HOSTILE = ["a b", "$(touch x)", "it's", 'q"q', "new\nline", "es\u001bc", "`id`"];

const context = (names: readonly string[] = [], host = "unix:///run/gantry.sock"): Context =>
  ({
    configDir: "/nonexistent",
    target: () => ({ host }),
    engine: async () => ({
      containers: {
        list: async () => [
          container("web", "running", "0123456789ab".padEnd(64, "0")),
          container("job", "exited"),
          container("held", "paused"),
          ...names.map((name) => container(name, "running")),
        ],
      },
      images: {
        list: async () => [
          { Id: "sha256:beef", RepoTags: ["busybox:latest", "app:1"], Size: 4_500_000 },
          { Id: "sha256:dead", RepoTags: null, Size: 1 },
        ],
      },
      networks: { list: async () => [{ Id: "1", Name: "bridge", Driver: "bridge" }] },
      volumes: { list: async () => ({ Volumes: [{ Name: "data", Driver: "local" }] }) },
    }),
  }) as unknown as Context;

const answers = async (...words: string[]): Promise<string[]> =>
  (await answerTo(words, () => context())).candidates.map(({ value }) => value);

test("commands, groups and what is in a group", async () => {
  assert.deepEqual(await answers("ru"), ["run"]);
  assert.ok((await answers("")).includes("network"));
  assert.deepEqual(await answers("volume", "p"), ["prune"]);
  assert.deepEqual(await answers("help", "resta"), ["restart"]);
  assert.deepEqual(await answers("nonsense", ""), []);
});

test("each command's candidates say what they are", async () => {
  const { candidates } = await answerTo(["rm", "we"], () => context());
  assert.deepEqual(candidates, [{ value: "web", about: "busybox, Up 2 minutes" }]);
  assert.deepEqual((await answerTo(["pause", "--hel"], () => context())).candidates, [
    { value: "--help", about: "Print usage" },
  ]);
});

test("containers in the state that a command needs", async () => {
  assert.deepEqual(await answers("rm", ""), ["web", "job", "held"]);
  assert.deepEqual(await answers("start", ""), ["job"]);
  assert.deepEqual(await answers("container", "stop", ""), ["web", "held"]);
  assert.deepEqual(await answers("unpause", ""), ["held"]);
  assert.deepEqual(await answers("exec", "-it", ""), ["web", "held"]);
});

test("what is the container's own is left alone, and a name is offered once", async () => {
  assert.deepEqual(await answers("exec", "web", ""), []);
  assert.deepEqual(await answers("run", "busybox", "--re"), []);
  assert.deepEqual(await answers("rm", "web", ""), ["job", "held"]);
  assert.deepEqual(await answers("rm", "-f", "--", "-"), []);
});

test("an id is offered where its beginning was typed and no name fits", async () => {
  assert.deepEqual(await answers("rm", "0123"), ["0123456789ab"]);
  assert.deepEqual(await answers("rmi", "be"), ["beef"]);
});

test("images, networks, volumes and several kinds at once", async () => {
  assert.deepEqual(await answers("run", ""), ["busybox:latest", "app:1"]);
  assert.deepEqual(await answers("tag", "app:1", "busy"), ["busybox:latest"]);
  assert.deepEqual(await answers("network", "disconnect", "br"), ["bridge"]);
  assert.deepEqual(await answers("network", "connect", "bridge", "we"), ["web"]);
  assert.deepEqual(await answers("context", "use", ""), ["default"]);
  assert.deepEqual(await answers("-c", "d"), ["default"]);
  assert.deepEqual(await answers("inspect", ""), [
    ...["web", "job", "held", "busybox:latest", "app:1", "bridge", "data"],
  ]);
});

test("flags, and their values in each way to write them", async () => {
  assert.deepEqual(await answers("run", "--restar"), ["--restart"]);
  assert.deepEqual(await answers("run", "--restart", "u"), ["unless-stopped"]);
  assert.deepEqual(await answers("run", "--restart=u"), ["--restart=unless-stopped"]);
  assert.deepEqual(await answers("run", "--rm", "--network", "b"), ["bridge"]);
  assert.deepEqual(await answers("-H", "unix:///x", "run", "-itv", "d"), ["data:"]);
  assert.deepEqual(await answers("run", "--cap-add", "NET_R"), ["NET_RAW"]);
  assert.deepEqual(await answers("run", "--rm=f"), ["--rm=false"]);
  assert.deepEqual(await answers("run", "--name", ""), []);
  assert.deepEqual(await answers("run", "-p80", "ap"), ["app:1"]);
});

test("KEY=VALUE is offered in two steps", async () => {
  assert.deepEqual(await answers("ps", "-f", "st"), ["status="]);
  assert.deepEqual(await answers("ps", "-f", "status=re"), ["status=restarting", "status=removing"]);
  assert.deepEqual(await answers("ps", "--filter=ancestor=a"), ["--filter=ancestor=app:1"]);
  assert.deepEqual(await answers("run", "--pid", "c"), ["container:"]);
  assert.deepEqual(await answers("run", "--pid", "container:"), ["container:web", "container:held"]);
});

test("files are left to the shell", async () => {
  const paths = async (...words: string[]): Promise<string> => (await answerTo(words, () => context())).paths;
  assert.equal(await paths("run", "--env-file", ""), "files");
  assert.equal(await paths("build", ""), "folders");
  assert.equal(await paths("build", "-f", ""), "files");
  assert.equal(await paths("cp", "x"), "files");
  assert.equal(await paths("run", ""), "");
});

test("an engine that is down, or silent, costs no more than the patience", async () => {
  const began = performance.now();
  const target = () => ({ host: "tcp://10.0.0.1:2375" });
  const down = { target, engine: async () => Promise.reject(new Error("down")) } as unknown as Context;
  const silent = { target, engine: () => new Promise(() => {}) } as unknown as Context;
  assert.deepEqual((await answerTo(["rm", ""], () => down)).candidates, []);
  assert.deepEqual((await answerTo(["inspect", ""], () => silent)).candidates, []);
  assert.ok(performance.now() - began < 1000);
});

test("an engine behind ssh is not asked: that could ask for a password", async () => {
  assert.deepEqual((await answerTo(["rm", ""], () => context([], "ssh://far"))).candidates, []);
});

async function said(argv: string[]): Promise<string> {
  let text = "";
  const out = { isTTY: false, write: (data: unknown) => void (text += String(data)) };
  assert.equal(await complete(argv, out, () => context(HOSTILE)), 0);
  return text;
}

test("names with control characters are left out; for bash the others come quoted", async () => {
  assert.equal(
    (await said(["fish", "gantry", "stop", ""])).replace(/\t.*/g, ""),
    "\nweb\nheld\na b\n$(touch x)\nit's\nq\"q\n`id`\n",
  );
  assert.equal(
    (await said(["bash", "gantry stop ", ""])).replace(/\t.*/g, ""),
    "\nweb\nheld\na\\ b\n\\$\\(touch\\ x\\)\nit\\'s\nq\\\"q\n\\`id\\`\n",
  );
  assert.match(await said(["bash", 'gantry stop "$', "$"]), /\n\\\$\(touch x\)\t/);
  assert.match(await said(["bash", "gantry stop 'it", "it"]), /\nit'\\''s\t/);
});

test("bash gets what replaces the piece after its last : or =", async () => {
  assert.equal((await said(["bash", "gantry rmi busybox:la", "la"])).split("\t")[0], "\nlatest");
  assert.equal((await said(["bash", "gantry rmi busybox:", ""])).split("\t")[0], "\nlatest");
  assert.equal((await said(["bash", "gantry run --network=br", "br"])).split("\t")[0], "\nbridge");
});

test("an argument that names nothing known is left alone", async () => {
  assert.deepEqual(await answers("rename", "web", ""), []);
  assert.deepEqual(await answers("port", "web", ""), []);
  assert.deepEqual(await answers("network", "create", ""), []);
});

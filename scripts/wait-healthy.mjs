// Waits until a container's health check says healthy; at most 30 s.
import { spawnSync } from "node:child_process";

const name = process.argv[2];
const ask = () =>
  spawnSync("bin/gantry", ["inspect", "-f", "{{.State.Status}} {{.State.Health.Status}}", name], { encoding: "utf8" });

for (const end = Date.now() + 30_000; Date.now() < end; ) {
  const { stdout } = ask();
  const [status, health] = stdout.trim().split(" ");
  if (health === "healthy") process.exit(0);
  if (status !== "running") break;
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const logs = spawnSync("bin/gantry", ["logs", name], { encoding: "utf8" });
process.stderr.write(`${name} did not become healthy: ${ask().stdout}${logs.stdout}${logs.stderr}\n`);
process.exit(1);

// Follows a container's output until it ends, or until ctrl-c: node examples/sdk/follow-logs.ts CONTAINER
import { Gantry } from "gantry";

const [name = ""] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

await using gantry = new Gantry();
const container = await gantry.containers.get(name);
try {
  for await (const { stream, line, time } of container.logs({ follow: true, timestamps: true, signal: stop.signal })) {
    console.log(`${time?.toISOString()} ${stream === "stderr" ? "E" : " "} ${line}`);
  }
  console.log(`ended with ${await container.wait()}`);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log("stopped following");
}

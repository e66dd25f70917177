// Says which containers start and end, until ctrl-c: node examples/sdk/watch-events.ts
import { Gantry } from "gantry";

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

await using gantry = new Gantry();
const filters = { type: ["container"], event: ["start", "die"] };
try {
  console.log(`watching, API ${await gantry.ping()}`);
  for await (const { Action, Actor } of gantry.events({ since: new Date(), filters, signal: stop.signal })) {
    const { name, image, exitCode } = Actor.Attributes;
    console.log(Action === "die" ? `${name} ended with ${exitCode}` : `${name} started from ${image}`);
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
}

// Builds a folder with its progress on stderr and the image's id on stdout: node examples/sdk/build.ts FOLDER TAG
import { Gantry, GantryError } from "gantry";

const [context = ".", tag = "example"] = process.argv.slice(2);
await using gantry = new Gantry();
const build = gantry.images.build({ context, tags: [tag] });
try {
  for await (const event of build) {
    if (event.type === "step") console.error(`[${event.step}/${event.total}] ${event.instruction}`);
    else if (event.type === "output") process.stderr.write(event.text);
    else if (event.type === "transfer" && event.total)
      console.error(`${event.id}: ${Math.round((100 * (event.current ?? 0)) / event.total)} %`);
  }
  console.log(await build);
} catch (error) {
  if (!(error instanceof GantryError)) throw error;
  console.error(`${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ""}`);
  process.exitCode = Number(error.details?.["exitCode"] ?? 1);
}

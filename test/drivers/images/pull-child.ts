import { openImages } from "./real-engine.ts";

/** Pulls argv[3] into the stores at argv[2]; made to be killed. */
const [, , root = "", reference = ""] = process.argv;
void openImages(root).images.pull({ reference });

/** Answers of GET /gantry/explain/…, which Docker has not. */
export type * from "../../base/explanation.ts";

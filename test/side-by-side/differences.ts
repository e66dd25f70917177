import type { Difference } from "./compare.ts";

export const differences: Difference[] = [];

import { text } from "../flags.ts";

export const formatFlag = text(
  "Format output using a custom template:\n'table':            Table with column headers (default)\n" +
    "'table TEMPLATE':   Table by the given Go template\n'json':             One JSON object a line\n" +
    "'TEMPLATE':         Whatever the Go template makes",
  undefined,
  { completes: ["json", "table"] },
);

export const inspectFormatFlag = text(
  "Format output using a custom template:\n'json':             JSON on one line\n'TEMPLATE':         Whatever the Go template makes",
  "f",
  { completes: ["json"] },
);

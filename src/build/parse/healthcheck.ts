import { GantryError } from "../../base/errors.ts";
import type { HealthConfig } from "../../base/container-config.ts";
import { parseDuration } from "../../base/units.ts";
import type { Arguments, Flag } from "./arguments.ts";
import type { InstructionBody } from "./instruction.ts";
import { nearest } from "./problem.ts";

const MILLISECOND = 1e6;
const TIMES = [
  ["interval", "Interval"],
  ["timeout", "Timeout"],
  ["start-period", "StartPeriod"],
  ["start-interval", "StartInterval"],
] as const;

/** HEALTHCHECK NONE | [--interval …] CMD … */
export function parseHealthcheck(args: Arguments): InstructionBody {
  const flags = args.takes([...TIMES.map(([name]) => name), "retries"]);
  const [word, ...others] = args.words();
  if (word === undefined) throw args.problem("HEALTHCHECK requires at least one argument", args.head);
  const type = word.text.toUpperCase();
  if (type === "NONE") {
    if (others.length > 0) throw args.problem("HEALTHCHECK NONE takes no arguments", others[0]);
    return { kind: "healthcheck", health: { Test: ["NONE"] } };
  }
  if (type !== "CMD") {
    throw args.problem(`Unknown type "${type}" in HEALTHCHECK (try CMD)`, word, nearest(type, ["CMD", "NONE"]));
  }
  const start = word.offset - args.rest.offset + word.text.length;
  const written = { text: args.rest.text.slice(start), offset: args.rest.offset + start };
  const command = written.text.trim();
  const json = args.json(written);
  if (command === "" || json?.length === 0) throw args.problem("Missing command after HEALTHCHECK CMD", word);
  const health: HealthConfig = { Test: json === undefined ? ["CMD-SHELL", command] : ["CMD", ...json] };
  for (const [name, field] of TIMES) {
    const flag = flags.get(name)?.[0];
    if (flag) {
      const time = duration(args, flag);
      if (time > 0) health[field] = time;
    }
  }
  const retries = flags.get("retries")?.[0];
  if (retries) {
    const count = Number(retries.value);
    if (!Number.isInteger(count)) {
      throw args.problem(`strconv.ParseInt: parsing "${retries.value}": invalid syntax`, retries.word);
    }
    if (count < 0) throw args.problem(`--retries cannot be negative (${count})`, retries.word);
    if (count > 0) health.Retries = count;
  }
  return { kind: "healthcheck", health };
}

function duration(args: Arguments, flag: Flag): number {
  let time: number;
  try {
    time = parseDuration(flag.value ?? "");
  } catch (error) {
    if (error instanceof GantryError) throw args.problem(error.message, flag.word);
    throw error;
  }
  if (time !== 0 && time < MILLISECOND) {
    throw args.problem(`Interval "${flag.name}" cannot be less than 1ms`, flag.word);
  }
  return time;
}

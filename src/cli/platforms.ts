import { parsePlatform } from "../base/platform.ts";
import { text } from "./flags.ts";

/** `--platform` where the API wants the platform's parts. */
export const platformFlag = (what: string) => text(`${what}. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")`);

const host = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };

/** "linux/arm64" → the JSON that the API takes. Throws invalid BAD_PLATFORM. */
export const platformJson = (text: string | undefined): string | undefined =>
  text ? JSON.stringify(parsePlatform(text, host)) : undefined;

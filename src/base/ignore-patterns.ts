/**
 * The patterns in a .dockerignore, as they are matched: without blanks and comments. Several `**` in a row mean what one
 * does and take far longer to match.
 */
export const ignorePatterns = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim().replace(/(?:\*\*\/){2,}/g, "**/"))
    .filter((line) => line !== "");

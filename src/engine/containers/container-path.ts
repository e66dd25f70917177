import path from "node:path";

/**
 * A path as `cp` means it: from the container's root wherever it starts, cleaned; a "/" or "/." at its end stays, since
 * it says that a folder is meant.
 */
export function containerPath(given: string): string {
  const clean = path.posix.resolve("/", given);
  const contents = baseOf(given) === ".";
  let result = contents ? `${clean === "/" ? "" : clean}/.` : clean;
  if (given.endsWith("/") && !result.endsWith("/")) result += "/";
  return result;
}

/** The last part, slashes behind it left aside; "." stays, and "/" is the root's. */
export function baseOf(given: string): string {
  const bare = given.replace(/\/+$/, "");
  if (bare === "") return given === "" ? "." : "/";
  return bare.slice(bare.lastIndexOf("/") + 1);
}

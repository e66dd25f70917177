import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";

/** The system's errors as the port's. */
export function guard<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof GantryError) throw cause;
    if (errnoOf(cause) === "EPERM") {
      throw new GantryError("forbidden", "NOT_PERMITTED", `${what}: ${messageOf(cause)}`, {
        cause,
        hint: "run gantryd as root",
      });
    }
    throw new GantryError("internal", "LINK_FAILED", `${what}: ${messageOf(cause)}`, { cause });
  }
}

/** The newest and the oldest Docker Engine API that gantryd speaks. */
export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";

/** "1.43" → [1, 43] */
export function parseVersion(text: string): readonly [number, number] {
  const [major = "0", minor = "0"] = text.split(".");
  return [Number(major), Number(minor)];
}

/** What follows the `?` of a request; undefined, false and "" are left out, lists repeat their name. */
export type Query = Record<string, string | number | boolean | string[] | undefined>;

export function queryText(query: Query | undefined): string {
  if (query === undefined) return "";
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      pairs.push(`${name}=${encodeURIComponent(one === true ? "1" : String(one))}`);
    }
  }
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** A name or id as one segment of a path. */
export const segment = (name: string): string => encodeURIComponent(name);

/** An image's name: slashes and colons stay. */
export const imagePath = (name: string): string => encodeURIComponent(name).replace(/%2F/g, "/").replace(/%3A/g, ":");

/** `filters` as the API takes them: {"label":{"a=b":true}}. */
export function filtersText(filters: Record<string, string[]> | undefined): string | undefined {
  if (filters === undefined || Object.keys(filters).length === 0) return undefined;
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(filters).map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))]),
    ),
  );
}

const two = (n: number): string => String(n).padStart(2, "0");

/** Go's Time.String() in the user's zone: "2026-11-22 04:37:51 +0000 UTC". `nanos`: digits after the second's point. */
export function goTime(ms: number, nanos = ""): string {
  const date = new Date(ms);
  const fraction = nanos.replace(/0+$/, "");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}` +
    `${fraction === "" ? "" : `.${fraction}`} ${offset(date, "")} ${zone(date)}`
  );
}

/** RFC 3339 in the user's zone; `nanos` keeps its nine digits. */
export function rfc3339(ms: number, nanos?: string): string {
  const date = new Date(ms);
  const at = date.getTimezoneOffset() === 0 ? "Z" : offset(date, ":");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}` +
    `${nanos === undefined ? "" : `.${nanos.padStart(9, "0")}`}${at}`
  );
}

/** Go's Time.String() of an RFC 3339 time of the API's, in the zone in which it is written. */
export function goTimeOf(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return text;
  const fraction = match[3]?.replace(/0+$/, "") ?? "";
  const at = match[4] === "Z" ? "+0000 UTC" : `${match[4]!.replace(":", "")} ${match[4]!.replace(":", "")}`;
  return `${match[1]} ${match[2]}${fraction === "" ? "" : `.${fraction}`} ${at}`;
}

function offset(date: Date, colon: string): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
}

function zone(date: Date): string {
  if (date.getTimezoneOffset() === 0 && !process.env["TZ"]) return "UTC";
  const name = /\(([^)]*)\)/.exec(date.toString())?.[1] ?? "";
  if (name === "Coordinated Universal Time") return "UTC";
  return new Intl.DateTimeFormat("en-US", { timeZoneName: "short" })
    .formatToParts(date)
    .find((part) => part.type === "timeZoneName")!.value;
}

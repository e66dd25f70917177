/** A number's leading decimal digits, rounded half to even as Go does (JavaScript rounds ties up). */
interface Digits {
  digits: string;
  /** Of the first digit. */
  exponent: number;
}

/** More digits than any double's tie needs, so that a lone 5 followed by zeros is an exact tie. */
const EXACT = 100;

function significant(value: number, count: number): Digits {
  const [mantissa = "", exponent = "0"] = value.toExponential(count - 1).split("e");
  let digits = mantissa.replace(".", "");
  if (count < EXACT) {
    const exact = value.toExponential(EXACT).split("e")[0]?.replace(".", "") ?? "";
    const tie = /^50*$/.test(exact.slice(count));
    const last = Number(digits.at(-1));
    if (tie && last % 2 === 1) digits = digits.slice(0, -1) + String(last - 1);
  }
  return { digits, exponent: Number(exponent) };
}

function shortest(value: number): Digits {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

function exponentForm({ digits, exponent }: Digits): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function plainForm({ digits, exponent }: Digits): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 1, "0");
  const fraction = padded.slice(exponent + 1);
  return fraction === "" ? padded : `${padded.slice(0, exponent + 1)}.${fraction}`;
}

function fixed(value: number, precision: number): string {
  const text = value.toFixed(Math.min(precision, EXACT));
  // toFixed leaves plain notation at 1e21.
  if (text.includes("e")) return BigInt(value).toString() + (precision > 0 ? `.${"0".repeat(precision)}` : "");
  if (precision >= EXACT) return text;
  const exact = value.toFixed(EXACT);
  const tie = /^50*$/.test(exact.slice(exact.indexOf(".") + 1 + precision));
  const last = Number(text.at(-1));
  return tie && last % 2 === 1 ? text.slice(0, -1) + String(last - 1) : text;
}

const stripZeros = ({ digits, exponent }: Digits): Digits => ({ digits: digits.replace(/0+$/, "") || "0", exponent });

/**
 * Go's strconv.FormatFloat without a sign for positive numbers. `precision` undefined: the fewest digits that read
 * back the same. For "e" and "f" the digits after the point, for "g" the significant digits.
 */
export function formatFloat(value: number, form: "e" | "f" | "g", precision?: number): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return sign === "" ? "+Inf" : "-Inf";
  if (form === "f") return sign + (precision === undefined ? plainForm(shortest(size)) : fixed(size, precision));
  if (form === "e") {
    return (
      sign + exponentForm(precision === undefined ? shortest(size) : significant(size, Math.min(precision, EXACT) + 1))
    );
  }
  const wanted = precision === undefined ? undefined : Math.min(Math.max(precision, 1), EXACT);
  const rounded = wanted === undefined ? shortest(size) : stripZeros(significant(size, wanted));
  // The shortest form turns to an exponent at 1e21, as Go's %v does.
  const large = rounded.exponent >= (wanted ?? 21);
  return sign + (rounded.exponent < -4 || large ? exponentForm(rounded) : plainForm(rounded));
}

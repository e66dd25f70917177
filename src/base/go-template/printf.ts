import { formatFloat } from "../go-float.ts";
import { quote } from "./literals.ts";
import { format, kindOf, sortedEntries, typeName, type Value } from "./values.ts";

interface Directive {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width?: number;
  precision?: number;
  verb: string;
}

const DIRECTIVE = /%([-+# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:(\.)(?:\[(\d+)\])?(\*|\d+)?)?(?:\[(\d+)\])?([^]?)/gu;
const WIDEST = 1_000_000;

/** Go's fmt.Sprintf for the values a template can hold. Wrong verbs and counts print Go's `%!d(string=x)` marks. */
export function sprintf(template: string, args: Value[]): string {
  let next = 0;
  let indexed = false;
  const take = (index: string | undefined): void => {
    if (index === undefined) return;
    next = Number(index) - 1;
    indexed = true;
  };
  const star = (size: string | undefined): number | undefined => {
    if (size !== "*") return size === undefined ? undefined : Number(size);
    const value = args[next];
    next += 1;
    return typeof value === "number" ? value : undefined;
  };
  const body = template.replace(
    DIRECTIVE,
    (_all, flags: string, first, width, dot, second, precision, last, verb: string) => {
      take(first);
      const directive: Directive = {
        minus: flags.includes("-"),
        // %+v asks for field names, which maps have anyway, not for signs.
        plus: flags.includes("+") && verb !== "v",
        sharp: flags.includes("#"),
        space: flags.includes(" "),
        zero: flags.includes("0") && !flags.includes("-"),
        verb,
      };
      const wide = star(width);
      if (wide !== undefined) directive.width = Math.abs(wide);
      if (wide !== undefined && wide < 0) directive.minus = true;
      if (dot !== undefined) {
        take(second);
        directive.precision = star(precision) ?? 0;
      }
      take(last);
      if ((directive.width ?? 0) > WIDEST) return "%!(BADWIDTH)";
      if ((directive.precision ?? 0) > WIDEST) return "%!(BADPREC)";
      if (verb === "") return "%!(NOVERB)";
      if (verb === "%") return "%";
      if (next < 0 || (indexed && next >= args.length)) return `%!${verb}(BADINDEX)`;
      if (next >= args.length) return `%!${verb}(MISSING)`;
      const value = args[next];
      next += 1;
      return apply(directive, value);
    },
  );
  if (indexed || next >= args.length) return body;
  const extra = args.slice(next).map((value) => (value == null ? "<nil>" : `${typeName(value)}=${format(value)}`));
  return `${body}%!(EXTRA ${extra.join(", ")})`;
}

function pad(directive: Directive, text: string, numeric = false): string {
  const length = [...text].length;
  const missing = (directive.width ?? 0) - length;
  if (missing <= 0) return text;
  if (directive.minus) return text + " ".repeat(missing);
  if (!directive.zero) return " ".repeat(missing) + text;
  const sign = numeric ? (/^[+\- ]/.exec(text)?.[0] ?? "") : "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

function bad(directive: Directive, value: Value): string {
  if (value == null) return `%!${directive.verb}(<nil>)`;
  // The flags still hold for the value inside.
  return `%!${directive.verb}(${typeName(value)}=${apply({ ...directive, verb: "v", sharp: false }, value)})`;
}

function apply(directive: Directive, value: Value): string {
  if (directive.verb === "T") return pad(directive, typeName(value));
  if (directive.verb === "v" && directive.sharp) return pad(directive, goSyntax(value));
  switch (kindOf(value)) {
    case "missing":
    case "nil":
      return directive.verb === "v" ? pad(directive, "<nil>") : bad(directive, value);
    case "bool":
      return "vt".includes(directive.verb) ? pad(directive, String(value)) : bad(directive, value);
    case "int":
      return integer(directive, BigInt(value as number | bigint), value);
    case "float":
      return float(directive, value as number);
    case "string":
      return text(directive, value as string);
    case "slice":
      return `[${(value as Value[]).map((item) => apply(directive, item)).join(" ")}]`;
    case "map": {
      const entries = sortedEntries(value as object);
      return `map[${entries.map(([key, item]) => `${apply(directive, key)}:${apply(directive, item)}`).join(" ")}]`;
    }
    case "func":
      return `%!${directive.verb}(func())`;
  }
}

const BASES: Record<string, [base: number, prefix: string]> = {
  d: [10, ""],
  v: [10, ""],
  b: [2, "0b"],
  o: [8, "0"],
  O: [8, "0o"],
  x: [16, "0x"],
  X: [16, "0X"],
};

function integer(directive: Directive, value: bigint, original: Value): string {
  const { verb } = directive;
  // A whole number may have been a float where it came from.
  if ("eEfFgG".includes(verb)) return float(directive, Number(value));
  const char = (): string => (value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : "\ufffd");
  if (verb === "c") return pad(directive, char());
  if (verb === "q") return pad(directive, quote(char(), "'", directive.plus));
  if (verb === "U") {
    const code = `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
    return pad(directive, directive.sharp ? `${code} '${char()}'` : code);
  }
  const base = Object.hasOwn(BASES, verb) ? BASES[verb] : undefined;
  if (base === undefined) return bad(directive, original);
  let digits = (value < 0n ? -value : value).toString(base[0]);
  if (verb === "X") digits = digits.toUpperCase();
  if (directive.precision !== undefined) digits = digits.padStart(directive.precision, "0");
  if (directive.precision === 0 && value === 0n) digits = "";
  const sign = signOf(directive, value < 0n);
  const prefix = directive.sharp || verb === "O" ? base[1] : "";
  if (directive.zero && directive.precision === undefined && directive.width !== undefined) {
    digits = digits.padStart(directive.width - sign.length, "0");
  }
  return pad(directive, sign + prefix + digits);
}

function signOf(directive: Directive, negative: boolean): string {
  if (negative) return "-";
  if (directive.plus) return "+";
  return directive.space ? " " : "";
}

function float(directive: Directive, value: number): string {
  const { verb, precision } = directive;
  if (!"vgGeEfF".includes(verb)) return bad(directive, value);
  const form = verb === "v" ? "g" : (verb.toLowerCase() as "e" | "f" | "g");
  const negative = value < 0 || Object.is(value, -0);
  const size = formatFloat(Math.abs(value), form, form === "g" ? precision : (precision ?? 6)).replace(/^\+/, "");
  const body = signOf(directive, negative) + (verb === "G" || verb === "E" ? size.toUpperCase() : size);
  return pad(Number.isFinite(value) ? directive : { ...directive, zero: false }, body, true);
}

function text(directive: Directive, value: string): string {
  const { verb, precision } = directive;
  const cut = precision === undefined ? value : [...value].slice(0, precision).join("");
  switch (verb) {
    case "s":
    case "v":
      return pad(directive, cut);
    case "q": {
      const raw = directive.sharp && !/[`\u0000-\u0008\u000a-\u001f\u007f]/.test(cut);
      return pad(directive, raw ? `\`${cut}\`` : quote(cut, '"', directive.plus));
    }
    case "x":
    case "X": {
      const bytes = [...new TextEncoder().encode(value)].slice(0, precision);
      const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
      const prefix = directive.sharp && hex.length > 0 ? "0x" : "";
      const body = directive.space ? hex.map((pair) => prefix + pair).join(" ") : prefix + hex.join("");
      return pad(directive, verb === "X" ? body.toUpperCase() : body);
    }
    default:
      return bad(directive, value);
  }
}

/** Go's %#v. */
function goSyntax(value: Value): string {
  switch (kindOf(value)) {
    case "string":
      return quote(value as string);
    case "slice":
      return `[]interface {}{${(value as Value[]).map(goSyntax).join(", ")}}`;
    case "map": {
      const entries = sortedEntries(value as object);
      return `map[string]interface {}{${entries.map(([key, item]) => `${goSyntax(key)}:${goSyntax(item)}`).join(", ")}}`;
    }
    case "missing":
    case "nil":
      return "interface {}(nil)";
    default:
      return format(value);
  }
}

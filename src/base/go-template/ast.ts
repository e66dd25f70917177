/** A parsed template. `pos` is the offset in the template's text, which errors are reported at. */
export type Node =
  | { type: "text"; pos: number; text: string }
  | { type: "action"; pos: number; pipe: Pipe }
  | Control
  | { type: "template"; pos: number; name: string; pipe?: Pipe }
  | { type: "break" | "continue"; pos: number };

export interface Control {
  type: "if" | "with" | "range";
  pos: number;
  pipe: Pipe;
  body: Node[];
  otherwise: Node[];
}

export interface Pipe {
  type: "pipe";
  pos: number;
  /** Variables set by the pipeline, with their `$`. */
  variables: string[];
  /** `=` instead of `:=`. */
  assign: boolean;
  commands: Command[];
}

export interface Command {
  type: "command";
  pos: number;
  words: Operand[];
}

export type Operand =
  | { type: "field"; pos: number; path: string[] }
  /** The first of `path` is the variable with its `$`, the rest are fields. */
  | { type: "variable"; pos: number; path: string[] }
  | { type: "chain"; pos: number; operand: Operand; path: string[] }
  | { type: "function"; pos: number; name: string }
  | { type: "dot" | "nil"; pos: number }
  | { type: "bool"; pos: number; value: boolean }
  | { type: "number"; pos: number; text: string; value: number | bigint }
  | { type: "string"; pos: number; quoted: string; value: string }
  | Pipe;

/** What has been parsed out of one text: the templates by name; the text's own is under the name given to the parser. */
export interface Templates {
  name: string;
  text: string;
  byName: Map<string, Node[]>;
}

/** The source form that Go shows in its errors. */
export function show(node: Operand | Command): string {
  switch (node.type) {
    case "pipe": {
      const variables = node.variables.length > 0 ? `${node.variables.join(", ")} ${node.assign ? "=" : ":="} ` : "";
      return variables + node.commands.map(show).join(" | ");
    }
    case "command":
      return node.words.map((word) => (word.type === "pipe" ? `(${show(word)})` : show(word))).join(" ");
    case "field":
      return `.${node.path.join(".")}`;
    case "variable":
      return node.path.join(".");
    case "chain":
      return `${node.operand.type === "pipe" ? `(${show(node.operand)})` : show(node.operand)}.${node.path.join(".")}`;
    case "function":
      return node.name;
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
      return node.text;
    case "string":
      return node.quoted;
  }
}

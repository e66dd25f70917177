/** A table as it is to be: pure data, from which come the text that makes it and the measure of what the kernel has. */
export interface TablePlan {
  family: "inet" | "ip" | "ip6" | "netdev";
  name: string;
  holders: Holder[];
  chains: Chain[];
  elements: Elements;
}

/** A set or a map. */
export interface Holder {
  kind: "set" | "map";
  name: string;
  /** "type ipv4_addr : ipv4_addr" */
  type: string;
}

export interface Chain {
  name: string;
  /** "type nat hook prerouting priority dstnat; policy accept;"; none: it is only jumped to. */
  hook?: string;
  rules: string[];
}

/** By holder. */
export type Elements = Map<string, string[]>;

/** How many rules a chain has and elements a set or map. */
export type Shape = Map<string, number>;

const idOf = ({ family, name }: TablePlan): string => `${family} ${name}`;

const indent = (lines: string[]): string[] => lines.map((line) => `  ${line}`);

/** Takes a table away, whether it is there or not. */
export const planAbsence = (family: string, name: string): string[] => [
  `add table ${family} ${name}`,
  `delete table ${family} ${name}`,
];

/** Makes the table exactly this, where it has no other chains and its sets have the same types. */
export function planRefill(table: TablePlan): string[] {
  const id = idOf(table);
  return [
    `add table ${id}`,
    `flush table ${id}`,
    ...body(table),
    ...table.holders.map(({ kind, name }) => `flush ${kind} ${id} ${name}`),
    ...planElements("add", table, table.elements),
  ];
}

/** The same from nothing. */
export const planAnew = (table: TablePlan): string[] => [
  ...planAbsence(table.family, table.name),
  ...body(table),
  ...planElements("add", table, table.elements),
];

/** One command for each of the sets and maps that has something to change. */
export const planElements = (
  verb: "add" | "delete",
  table: Pick<TablePlan, "family" | "name">,
  elements: Elements,
): string[] =>
  [...elements]
    .filter(([, list]) => list.length > 0)
    .map(([holder, list]) => `${verb} element ${table.family} ${table.name} ${holder} { ${list.join(", ")} }`);

const body = (table: TablePlan): string[] => [
  `table ${idOf(table)} {`,
  ...indent([
    ...table.holders.map(({ kind, name, type }) => `${kind} ${name} { ${type}; }`),
    ...table.chains.flatMap(({ name, hook, rules }) => [
      `chain ${name} {`,
      ...indent([...(hook === undefined ? [] : [hook]), ...rules]),
      "}",
    ]),
  ]),
  "}",
];

export const shapeOf = ({ holders, chains, elements }: TablePlan): Shape =>
  new Map([
    ...holders.map(({ kind, name }): [string, number] => [`${kind} ${name}`, elements.get(name)?.length ?? 0]),
    ...chains.map(({ name, rules }): [string, number] => [`chain ${name}`, rules.length]),
  ]);

/** All chains are there with as many rules, and all sets with no fewer elements. */
export const covers = (there: Shape, meant: Shape): boolean =>
  [...meant].every(([name, count]) => {
    const found = there.get(name) ?? -1;
    return name.startsWith("chain ") ? found === count : found >= count;
  });

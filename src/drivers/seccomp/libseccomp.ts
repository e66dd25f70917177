import fs from "node:fs";
import koffi from "koffi";
import type { SeccompCompiler, SeccompSource } from "../../ports/seccomp-compiler.ts";

/** <seccomp.h>: actions, 16 bits of which carry an errno. */
const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

const OPERATORS: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

const UNKNOWN_CALL = -1;
const EEXIST = -17;
const EPERM = 1;
const OPTIMIZE = 8; // SCMP_FLTATR_CTL_OPTIMIZE
const BINARY_TREE = 2;
const MFD_CLOEXEC = 1;

/** As many programs are remembered: one for each set of capabilities and each profile in use. */
const REMEMBERED = 64;

type Native = (...args: unknown[]) => number;

interface Library {
  init(action: number): unknown;
  release: Native;
  archAdd: Native;
  archByName: Native;
  callByName: Native;
  ruleAdd: Native;
  setAttribute: Native;
  exportBpf: Native;
  memfd: Native;
}

/** A filter that this cannot express: the runtime gets to see it. */
class Unsupported extends Error {}

/** SeccompCompiler by the library that crun and runc use themselves. */
export class LibseccompCompiler implements SeccompCompiler {
  private readonly library: Library | undefined = load();
  private readonly remembered = new Map<string, string | undefined>();

  compile(source: SeccompSource): string | undefined {
    if (this.library === undefined) return undefined;
    const key = JSON.stringify(source);
    if (this.remembered.has(key)) return this.remembered.get(key);
    const program = this.tryCompile(this.library, source);
    const oldest = this.remembered.keys().next();
    if (this.remembered.size >= REMEMBERED && !oldest.done) this.remembered.delete(oldest.value);
    this.remembered.set(key, program);
    return program;
  }

  private tryCompile(library: Library, source: SeccompSource): string | undefined {
    try {
      return build(library, source).toString("base64");
    } catch (error) {
      if (error instanceof Unsupported) return undefined;
      throw error;
    }
  }
}

function load(): Library | undefined {
  let seccomp: ReturnType<typeof koffi.load>;
  try {
    seccomp = koffi.load("libseccomp.so.2");
  } catch {
    return undefined;
  }
  const libc = koffi.load("libc.so.6");
  const native = (prototype: string): Native => seccomp.func(prototype) as unknown as Native;
  return {
    init: native("void *seccomp_init(uint32_t action)"),
    release: native("void seccomp_release(void *filter)"),
    archAdd: native("int seccomp_arch_add(void *filter, uint32_t arch)"),
    archByName: native("uint32_t seccomp_arch_resolve_name(const char *name)"),
    callByName: native("int seccomp_syscall_resolve_name(const char *name)"),
    ruleAdd: native(
      "int seccomp_rule_add_array(void *filter, uint32_t action, int call, unsigned int count, const void *args)",
    ),
    setAttribute: native("int seccomp_attr_set(void *filter, int attribute, uint32_t value)"),
    exportBpf: native("int seccomp_export_bpf(void *filter, int fd)"),
    memfd: libc.func("int memfd_create(const char *name, unsigned int flags)") as unknown as Native,
  };
}

const lookUp = (table: Readonly<Record<string, number>>, name: string): number => {
  const value = table[name];
  if (value === undefined) throw new Unsupported(name);
  return value;
};

const actionOf = (name: string, errno: number | undefined): number => {
  const action = lookUp(ACTIONS, name);
  return (name === "SCMP_ACT_ERRNO" ? action | ((errno ?? EPERM) & 0xffff) : action) >>> 0;
};

function build(library: Library, source: SeccompSource): Buffer {
  // flags are the runtime's to apply
  if (source.flags?.length) throw new Unsupported("flags");
  const fallback = actionOf(source.defaultAction, source.defaultErrnoRet);
  const filter = library.init(fallback);
  if (filter === null) throw new Unsupported(source.defaultAction);
  try {
    for (const name of source.architectures ?? []) addArchitecture(library, filter, name);
    library.setAttribute(filter, OPTIMIZE, BINARY_TREE); // older libraries keep to their list
    for (const rule of source.syscalls ?? []) {
      const action = actionOf(rule.action, rule.errnoRet);
      // as the runtimes: a rule that says the default is no rule
      if (action === fallback) continue;
      const args = packArguments(rule.args ?? []);
      for (const name of rule.names) addRule(library, filter, name, action, args);
    }
    return exportProgram(library, filter);
  } finally {
    library.release(filter);
  }
}

function addArchitecture(library: Library, filter: unknown, name: string): void {
  const token = library.archByName(name.replace("SCMP_ARCH_", "").toLowerCase());
  if (token === 0) throw new Unsupported(name);
  const result = library.archAdd(filter, token);
  if (result < 0 && result !== EEXIST) throw new Unsupported(name);
}

function addRule(
  library: Library,
  filter: unknown,
  name: string,
  action: number,
  args: { count: number; bytes: Buffer },
): void {
  const call = library.callByName(name);
  if (call === UNKNOWN_CALL) return; // newer than the library: the default holds
  const result = library.ruleAdd(filter, action, call, args.count, args.bytes);
  if (result < 0 && result !== EEXIST) throw new Unsupported(`${name}: ${result}`);
}

/** struct scmp_arg_cmp: u32 index, u32 operator, u64 value, u64 second value. */
function packArguments(args: NonNullable<NonNullable<SeccompSource["syscalls"]>[number]["args"]>): {
  count: number;
  bytes: Buffer;
} {
  const bytes = Buffer.alloc(Math.max(args.length, 1) * 24);
  args.forEach(({ index, value, valueTwo = 0, op }, i) => {
    if (!Number.isSafeInteger(value) || !Number.isSafeInteger(valueTwo)) throw new Unsupported("a value beyond 2^53");
    bytes.writeUInt32LE(index, i * 24);
    bytes.writeUInt32LE(lookUp(OPERATORS, op), i * 24 + 4);
    bytes.writeBigUInt64LE(BigInt(value), i * 24 + 8);
    bytes.writeBigUInt64LE(BigInt(valueTwo), i * 24 + 16);
  });
  return { count: args.length, bytes };
}

function exportProgram(library: Library, filter: unknown): Buffer {
  const fd = library.memfd("gantry-seccomp", MFD_CLOEXEC);
  if (fd < 0) throw new Unsupported("memfd_create");
  try {
    if (library.exportBpf(filter, fd) < 0) throw new Unsupported("seccomp_export_bpf");
    const program = Buffer.alloc(fs.fstatSync(fd).size);
    fs.readSync(fd, program, 0, program.length, 0);
    return program;
  } finally {
    fs.closeSync(fd);
  }
}

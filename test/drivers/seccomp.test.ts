import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LibseccompCompiler } from "../../src/drivers/seccomp/libseccomp.ts";
import { CAPABILITIES } from "../../src/base/capabilities.ts";
import { DEFAULT_CAPABILITIES } from "../../src/engine/containers/spec/capabilities.ts";
import { defaultSeccomp } from "../../src/engine/containers/spec/seccomp.ts";

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const ALLOW = 0x7fff0000;
const errno = (value: number): number => 0x00050000 | value;

interface Call {
  nr: number;
  arch?: number;
  args?: bigint[];
}

/** What the kernel would do: classic BPF over struct seccomp_data (nr, arch, instruction pointer, six arguments). */
function execute(program: Buffer, { nr, arch = X86_64, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeInt32LE(nr, 0);
  data.writeUInt32LE(arch, 4);
  args.forEach((value, i) => data.writeBigUInt64LE(value, 16 + 8 * i));
  let a = 0;
  for (let pc = 0; pc < program.length / 8; pc++) {
    const code = program.readUInt16LE(pc * 8);
    const jt = program.readUInt8(pc * 8 + 2);
    const jf = program.readUInt8(pc * 8 + 3);
    const k = program.readUInt32LE(pc * 8 + 4);
    switch (code) {
      case 0x20: // ld
        a = data.readUInt32LE(k);
        break;
      case 0x54: // and
        a = (a & k) >>> 0;
        break;
      case 0x05: // ja
        pc += k;
        break;
      case 0x15:
        pc += a === k ? jt : jf;
        break;
      case 0x25:
        pc += a > k ? jt : jf;
        break;
      case 0x35:
        pc += a >= k ? jt : jf;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`instruction ${code.toString(16)}`);
    }
  }
  throw new Error("the program runs out of its end");
}

const amd64 = { architecture: "amd64", kernel: { release: "6.1", major: 6, minor: 1 } };
const NR = { read: 0, socket: 41, clone: 56, ptrace: 101, mount: 165, kexec_load: 246, clone3: 435 };

describe("the compiled seccomp filter", { skip: process.arch === "x64" ? false : "numbers are amd64's" }, () => {
  const compiler = new LibseccompCompiler();
  const compile = (capabilities: readonly string[]): Buffer => {
    const text = compiler.compile(defaultSeccomp(capabilities, amd64));
    assert.ok(text, "libseccomp.so.2 is missing");
    return Buffer.from(text, "base64");
  };

  it("decides as the profile says", () => {
    const program = compile(DEFAULT_CAPABILITIES);
    const decide = (nr: number, ...args: bigint[]): number => execute(program, { nr, args });
    assert.equal(decide(NR.read), ALLOW);
    assert.equal(decide(NR.ptrace), ALLOW);
    assert.equal(decide(NR.mount), errno(1));
    assert.equal(decide(NR.kexec_load), errno(1));
    assert.equal(decide(9999), errno(1));
    assert.equal(decide(NR.clone3), errno(38));
    assert.equal(decide(NR.clone, 0x11n), ALLOW);
    assert.equal(decide(NR.clone, 0x10000000n), errno(1));
    assert.equal(execute(compile(CAPABILITIES), { nr: NR.mount }), ALLOW);
    assert.equal(execute(compile(CAPABILITIES), { nr: NR.clone, args: [0x10000000n] }), ALLOW);
  });

  it("lets no AF_ALG or AF_VSOCK socket through, not even with the upper half of the register set", () => {
    const program = compile(CAPABILITIES);
    for (let family = 0n; family <= 45n; family++) {
      const refused = family === 38n || family === 40n;
      assert.equal(execute(program, { nr: NR.socket, args: [family] }), refused ? errno(1) : ALLOW, String(family));
      if (refused) assert.equal(execute(program, { nr: NR.socket, args: [family + (1n << 32n)] }), errno(1));
    }
    const socketcall = { nr: 102, arch: I386 };
    assert.equal(execute(program, socketcall), errno(38));
    assert.equal(execute(program, { nr: 359, arch: I386, args: [38n] }), errno(1));
    assert.equal(execute(program, { nr: 359, arch: I386, args: [2n] }), ALLOW);
  });

  it("kills a call of an architecture that is not named", () => {
    assert.equal(execute(compile(DEFAULT_CAPABILITIES), { nr: NR.read, arch: 0xc00000b7 }), 0);
  });

  it("is left to the runtime for what it does not know", () => {
    for (const source of [
      { defaultAction: "SCMP_ACT_NOTIFY" },
      { defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_LOG"] },
      { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_PDP11"] },
      {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["read"], action: "SCMP_ACT_ERRNO", args: [{ index: 0, value: 1, op: "SCMP_CMP_LIKE" }] }],
      },
    ]) {
      assert.equal(compiler.compile(source), undefined);
    }
  });

  it("is compiled once", () => {
    compile(DEFAULT_CAPABILITIES);
    const before = performance.now();
    compile(DEFAULT_CAPABILITIES);
    assert.ok(performance.now() - before < 5);
  });
});

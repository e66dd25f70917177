import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";
import { CAPABILITIES } from "../../../../../src/base/capabilities.ts";
import { DEFAULT_CAPABILITIES } from "../../../../../src/engine/containers/spec/capabilities.ts";
import {
  customSeccomp,
  defaultSeccomp,
  type SeccompFilter,
} from "../../../../../src/engine/containers/spec/seccomp.ts";
import { modernHost } from "./host.ts";

const REFERENCE = new URL("../../../../../../shared/spec/seccomp-default.json", import.meta.url);

/** What a filter decides for a call: libseccomp's rule that any matching rule counts, exact ones before the default. */
function decide(filter: SeccompFilter, name: string, args: bigint[]): string {
  for (const rule of filter.syscalls ?? []) {
    if (!rule.names.includes(name)) continue;
    const matches = (rule.args ?? []).every(({ index, op, value, valueTwo = 0 }) => {
      const given = args[index] ?? 0n;
      const wanted = BigInt(value);
      switch (op) {
        case "SCMP_CMP_LT":
          return given < wanted;
        case "SCMP_CMP_GT":
          return given > wanted;
        case "SCMP_CMP_EQ":
          return given === wanted;
        case "SCMP_CMP_MASKED_EQ":
          return (given & wanted) === BigInt(valueTwo);
        default:
          throw new Error(`operator ${op}`);
      }
    });
    if (matches) return rule.action === "SCMP_ACT_ALLOW" ? "allow" : `errno ${rule.errnoRet ?? filter.defaultErrnoRet}`;
  }
  return `errno ${filter.defaultErrnoRet}`;
}

const SAMPLES: Record<string, bigint[][]> = {
  socket: [...Array(46).keys()].map((family) => [BigInt(family)]),
  personality: [0n, 8n, 1n, 0x20000n, 0x20008n, 0xffffffffn, 0x40000n].map((value) => [value]),
  clone: [0n, 0x11n, 0x10000000n, 0x02000000n, 0x40000000n, 0x3d0f00n].map((flags) => [flags, 0n]),
};

const sets: Record<string, string[]> = {
  default: [...DEFAULT_CAPABILITIES],
  none: [],
  all: [...CAPABILITIES],
};
for (const extra of CAPABILITIES.filter((name) => !DEFAULT_CAPABILITIES.includes(name))) {
  sets[`default and ${extra}`] = [...DEFAULT_CAPABILITIES, extra];
}

describe("the default seccomp filter", { skip: fs.existsSync(REFERENCE) ? false : "../shared is not there" }, () => {
  const text = fs.readFileSync(REFERENCE, "utf8");
  const document = JSON.parse(text) as { syscalls: { names: string[] }[] };
  const names = [...new Set(document.syscalls.flatMap((rule) => rule.names)), "kexec_load", "a_future_call"];

  for (const [architecture, kernel] of [
    ["amd64", { release: "6.1", major: 6, minor: 1 }],
    ["arm64", { release: "6.1", major: 6, minor: 1 }],
    ["amd64", { release: "4.4", major: 4, minor: 4 }],
  ] as const) {
    for (const [label, capabilities] of Object.entries(sets)) {
      it(`allows what Docker's does on ${architecture} ${kernel.release} with capabilities: ${label}`, () => {
        const host = { architecture, kernel };
        const ours = defaultSeccomp(capabilities, host);
        const theirs = customSeccomp(text, capabilities, host);
        for (const name of names) {
          if (name === "socketcall") continue; // refused on purpose, below
          for (const args of SAMPLES[name] ?? [[0n]]) {
            assert.equal(decide(ours, name, args), decide(theirs, name, args), `${name}(${args})`);
          }
        }
        assert.deepEqual(ours.architectures, theirs.architectures);
      });
    }
  }

  it("refuses AF_ALG and AF_VSOCK however the number is written, and socketcall, which could hide them", () => {
    const filter = defaultSeccomp(CAPABILITIES, modernHost());
    for (const family of [38n, 40n, 38n + (1n << 32n), 40n + (7n << 40n)]) {
      assert.equal(decide(filter, "socket", [family]), "errno 1", String(family));
    }
    assert.equal(decide(filter, "socketcall", [1n]), "errno 38");
    assert.equal(decide(filter, "socket", [2n]), "allow");
  });

  it("makes clone3 fall back to clone without CAP_SYS_ADMIN", () => {
    assert.equal(decide(defaultSeccomp(DEFAULT_CAPABILITIES, modernHost()), "clone3", []), "errno 38");
    assert.equal(decide(defaultSeccomp(["CAP_SYS_ADMIN"], modernHost()), "clone3", []), "allow");
  });
});

describe("a seccomp profile of the user's", () => {
  const read = (profile: unknown, capabilities: string[] = []): SeccompFilter =>
    customSeccomp(typeof profile === "string" ? profile : JSON.stringify(profile), capabilities, modernHost());

  it("decides its conditions and drops Docker's own fields", () => {
    const profile = {
      defaultAction: "SCMP_ACT_ALLOW",
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
      syscalls: [
        { name: "mkdir", action: "SCMP_ACT_ERRNO", args: [] },
        { names: ["chmod"], action: "SCMP_ACT_ERRNO", includes: { caps: ["CAP_SYS_ADMIN"] } },
        { names: ["chown"], action: "SCMP_ACT_ERRNO", excludes: { arches: ["amd64"] }, comment: "x" },
        { names: ["fchown"], action: "SCMP_ACT_ERRNO", includes: { minKernel: "7.0" } },
      ],
    };
    assert.deepEqual(read(profile), {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }],
    });
  });

  it("is refused when it is no profile", () => {
    for (const text of ["/etc/profile.json", "[]", "{}", '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":3}']) {
      assert.throws(() => read(text), { code: "BAD_SECCOMP_PROFILE", kind: "invalid" });
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cgroupsOf, credentialsOf, mountsOf, processOf } from "../../../../src/drivers/kernel-view/parse.ts";
import { ProcKernelView } from "../../../../src/drivers/kernel-view/proc.ts";

const STATUS = `Name:	sh
State:	S (sleeping)
Pid:	300
PPid:	299
Uid:	1000	1001	1000	1000
Gid:	100	101	100	100
Groups:	100 4 
NSpid:	300	12	1
Threads:	2
CapInh:	0000000000000000
CapPrm:	00000000a80425fb
CapEff:	00000000a80425fb
CapBnd:	00000000a80425ff
CapAmb:	0000000000000000
NoNewPrivs:	1
Seccomp:	2
Seccomp_filters:	1
`;

describe("the kernel's view of a process", () => {
  it("reads status and command line; the pid of the innermost namespace counts", () => {
    assert.deepEqual(processOf(STATUS, "sh\0-c\0a b\0"), {
      ...{
        pid: 300,
        inside: 1,
        parent: 299,
        name: "sh",
        command: ["sh", "-c", "a b"],
        uid: 1001,
        state: "S",
        threads: 2,
      },
    });
    assert.deepEqual(processOf(STATUS, "").command, []);
  });

  it("reads credentials, also of kernels that don't tell all of it", () => {
    const rest = {
      label: "docker-default (enforce)\n",
      oomScoreAdj: "-5\n",
      uidMap: "         0     100000      65536\n",
      gidMap: "",
    };
    const found = credentialsOf(STATUS, rest);
    assert.deepEqual([found.uid, found.gid, found.groups], [1001, 101, [100, 4]]);
    assert.equal(found.capabilities.bounding, "00000000a80425ff");
    assert.deepEqual([found.noNewPrivileges, found.seccomp, found.filters], [true, 2, 1]);
    assert.deepEqual([found.label, found.oomScoreAdj], ["docker-default (enforce)", -5]);
    assert.deepEqual(found.uidMap, [{ inside: 0, outside: 100000, size: 65536 }]);
    const old = credentialsOf(STATUS.replace(/^Seccomp.*\n/gm, "").replace(/^CapAmb.*\n/m, ""), rest);
    assert.deepEqual([old.seccomp, old.filters, old.capabilities.ambient], [undefined, undefined, "0000000000000000"]);
  });

  it("reads mounts: tags, none or some, and blanks in names", () => {
    const text =
      "590 543 0:52 / / rw,relatime shared:1 master:2 - overlay overlay rw,lowerdir=1/diff,upperdir=u\n" +
      "600 590 8:1 /a\\040b /from\\040host ro - ext4 /dev/sda1 rw\n\n";
    const [root, bind] = mountsOf(text);
    assert.deepEqual([root?.propagation, root?.superOptions], ["shared:1 master:2", "rw,lowerdir=1/diff,upperdir=u"]);
    assert.deepEqual([bind?.root, bind?.target, bind?.propagation, bind?.options], ["/a b", "/from host", "", "ro"]);
    assert.equal(mountsOf(text).length, 2);
  });

  it("reads control groups of both versions", () => {
    assert.deepEqual(cgroupsOf("4:cpu,cpuacct:/gantry/x\n0::/a:b\n"), [
      { hierarchy: 4, controllers: ["cpu", "cpuacct"], path: "/gantry/x" },
      { hierarchy: 0, controllers: [], path: "/a:b" },
    ]);
  });

  it("has nothing of a process that is gone", async () => {
    const kernel = new ProcKernelView();
    const gone = 2 ** 22 + 1; // above the highest pid that there can be
    assert.deepEqual(await kernel.processes([gone, process.pid]).then((found) => found.map(({ pid }) => pid)), [
      process.pid,
    ]);
    assert.equal(kernel.namespaces(gone), undefined);
    assert.equal(kernel.credentials(gone), undefined);
    assert.equal(kernel.mounts(gone), undefined);
    assert.equal(kernel.cgroups(gone), undefined);
    assert.deepEqual(kernel.namesIn("/no/such/folder"), []);
  });
});

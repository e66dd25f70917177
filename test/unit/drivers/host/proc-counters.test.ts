import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { ProcCounters } from "../../../../src/drivers/host/proc-counters.ts";

let root: string;
before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-proc-"));
  fs.mkdirSync(path.join(root, "7/net"), { recursive: true });
  fs.writeFileSync(
    path.join(root, "stat"),
    "cpu  586741 0 324840 1403089 9062 0 4047 755 0 0\ncpu0 289473 0 154749 716486 2501 0 300 355 0 0\ncpu1 297267 0 170090 686603 6561 0 3747 399 0 0\nintr 22 0\nctxt 1\n",
  );
  fs.writeFileSync(
    path.join(root, "7/net/dev"),
    `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:      50       1    0    0    0     0          0         0       50       1    0    0    0     0       0          0
  eth0: 1041     11    1    2    0     0          0         0      726       8    3    4    0     0       0          0
  eth1:9999999999       1    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`,
  );
});
after(() => fs.rmSync(root, { recursive: true }));

describe("the counters of /proc", () => {
  it("add up the machine's time without what is counted twice, in nanoseconds", () => {
    assert.deepEqual(new ProcCounters(root).cpu(), { total: 23277790000000, online: 2 });
  });

  it("tell the traffic of a namespace's interfaces, the loopback left out", () => {
    const interfaces = new ProcCounters(root).interfaces(7);
    assert.deepEqual(Object.keys(interfaces), ["eth0", "eth1"]);
    assert.deepEqual(interfaces["eth0"], {
      received: { bytes: 1041, packets: 11, errors: 1, dropped: 2 },
      sent: { bytes: 726, packets: 8, errors: 3, dropped: 4 },
    });
    assert.equal(interfaces["eth1"]?.received.bytes, 9999999999);
  });

  it("have nothing to tell of a process that is gone", () => {
    assert.deepEqual(new ProcCounters(root).interfaces(8), {});
  });
});

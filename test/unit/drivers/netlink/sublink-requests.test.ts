import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMessage } from "../../../../src/drivers/netlink/message.ts";
import type { Request } from "../../../../src/drivers/netlink/socket.ts";
import { addDummy, addSublink, addVlan } from "../../../../src/drivers/netlink/sublink-requests.ts";
import type { SublinkKind } from "../../../../src/ports/sublinks.ts";

/** What iproute2 6.1 sends for the same, as strace shows it, but for the header and the flag of nested attributes. */
const sent = (request: Request): string[] => {
  const bytes = encodeMessage(request, 1).subarray(16);
  const words = bytes.toString("hex").match(/.{8}/g) ?? [];
  return words.map((word) => word.replace(/^(..)(..)(..)80$/, "$1$2$300"));
};
const HEADER = ["00000000", "00000000", "00000000", "00000000"];
const plain = (type: SublinkKind): Request => addSublink({ parent: 3, netnsFd: 7, name: "eth0", type });
const NETNS_LINK_NAME = ["08001c00", "07000000", "08000500", "03000000", "09000300", "65746830", "00000000"];

test("ip link add link up0 name eth0 address … mtu 1400 netns … type macvlan mode vepa", () => {
  const type = { kind: "macvlan", mode: "vepa" } as const;
  assert.deepEqual(
    sent(addSublink({ parent: 3, netnsFd: 7, name: "eth0", mac: "02:42:0a:09:00:02", mtu: 1400, type })),
    [
      ...HEADER,
      ...["0a000100", "02420a09", "00020000", "08000400", "78050000"],
      ...NETNS_LINK_NAME,
      ...["1c001200", "0b000100", "6d616376", "6c616e00", "0c000200", "08000100", "02000000"],
    ],
  );
});

test("ip link add link up0 name eth0 netns … type ipvlan mode l3 vepa", () => {
  assert.deepEqual(sent(plain({ kind: "ipvlan", mode: "l3", flag: "vepa" })), [
    ...HEADER,
    ...NETNS_LINK_NAME,
    ...["24001200", "0a000100", "6970766c", "616e0000"],
    ...["14000200", "06000100", "01000000", "06000200", "02000000"],
  ]);
});

test("each mode and flag has the kernel's number", () => {
  const last = (type: SublinkKind, count: number): string[] => sent(plain(type)).slice(-count);
  const macvlan = (["private", "vepa", "bridge", "passthru"] as const).map((mode) =>
    last({ kind: "macvlan", mode }, 1),
  );
  assert.deepEqual(macvlan, [["01000000"], ["02000000"], ["04000000"], ["08000000"]]);
  const ipvlan = (["l2", "l3", "l3s"] as const).map((mode) => last({ kind: "ipvlan", mode, flag: "bridge" }, 3)[0]);
  assert.deepEqual(ipvlan, ["00000000", "01000000", "02000000"]);
  const flags = (["bridge", "private", "vepa"] as const).map(
    (flag) => last({ kind: "ipvlan", mode: "l2", flag }, 1)[0],
  );
  assert.deepEqual(flags, ["00000000", "01000000", "02000000"]);
});

test("ip link add link up0 name up0.10 type vlan id 10, ip link add d0 type dummy", () => {
  assert.deepEqual(sent(addVlan("up0.10", 3, 10)), [
    ...HEADER,
    ...["08000500", "03000000", "0b000300", "7570302e", "31300000"],
    ...["18001200", "08000100", "766c616e", "0c000200", "06000100", "0a000000"],
  ]);
  assert.deepEqual(sent(addDummy("d0")).slice(4), [
    ...["07000300", "64300000", "10001200", "09000100", "64756d6d", "79000000"],
  ]);
});

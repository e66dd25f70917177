import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withAddress } from "../../../../src/drivers/volume-files/network-address.ts";

const lookup = async (name: string): Promise<string> => {
  if (name === "store") return "192.0.2.7";
  if (name === "six") return "2001:db8::7";
  throw new Error("ENOTFOUND");
};
const optionsFor = async (type: string, device: string, o?: string): Promise<string | undefined> =>
  (await withAddress({ type, device, ...(o !== undefined && { o }) }, lookup)).o;

describe("the address of a volume's server", () => {
  it("is looked up where addr= is a name, and left alone where it is numeric", async () => {
    assert.equal(await optionsFor("nfs", ":/export", "addr=store,rw,nfsvers=4"), "addr=192.0.2.7,rw,nfsvers=4");
    assert.equal(await optionsFor("nfs4", ":/export", "rw,addr=six"), "rw,addr=2001:db8::7");
    assert.equal(await optionsFor("nfs", ":/export", "addr=198.51.100.1"), "addr=198.51.100.1");
    assert.equal(await optionsFor("nfs", ":/export", "addr=2001:db8::1"), "addr=2001:db8::1");
    assert.equal(await optionsFor("cifs", "//store/share", "username=a,addr=store"), "username=a,addr=192.0.2.7");
  });

  it("is that of the host in the device, where addr= is missing", async () => {
    assert.equal(await optionsFor("nfs", "store:/export", "rw"), "addr=192.0.2.7,rw");
    assert.equal(await optionsFor("nfs4", "[2001:db8::9]:/export"), "addr=2001:db8::9");
    assert.equal(await optionsFor("cifs", "//store/share/sub", "guest"), "addr=192.0.2.7,guest");
    assert.equal(await optionsFor("nfs", ":/export", "rw"), "rw", "which the kernel refuses");
  });

  it("is nobody's business for file systems of this host", async () => {
    assert.equal(await optionsFor("tmpfs", "tmpfs", "size=1m"), "size=1m");
    assert.equal(await optionsFor("none", "store:/x", "bind,addr=store"), "bind,addr=store");
  });

  it("that cannot be found is an error that names it", async () => {
    await assert.rejects(optionsFor("nfs", ":/export", "addr=nowhere"), {
      kind: "invalid",
      code: "VOLUME_MOUNT_FAILED",
      message: "error resolving passed in network volume address: lookup nowhere: ENOTFOUND",
    });
  });
});

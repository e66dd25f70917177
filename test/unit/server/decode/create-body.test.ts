import assert from "node:assert/strict";
import { it } from "node:test";
import { checkCreateBody } from "../../../../src/server/decode/create-body.ts";

const refused = (body: object): string => {
  try {
    checkCreateBody(body);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

it("names the first field of a wrong type, and what it must be", () => {
  assert.equal(refused({ Image: 7 }), "invalid JSON: Image must be a string");
  assert.equal(refused({ Cmd: {} }), "invalid JSON: Cmd must be a string or a list of strings");
  assert.equal(refused({ Env: ["A=1", 2] }), "invalid JSON: Env must be a list of strings");
  assert.equal(refused({ Labels: { a: 1 } }), "invalid JSON: Labels must be an object of strings");
  assert.equal(refused({ HostConfig: { Memory: "64m" } }), "invalid JSON: HostConfig.Memory must be a whole number");
  assert.equal(refused({ HostConfig: [] }), "invalid JSON: HostConfig must be an object");
});

it("takes null for not given, a bare command, and fields it does not know", () => {
  assert.equal(
    refused({ Image: "x", Cmd: "sh", Env: null, HostConfig: { Binds: null, Init: null, Nonsense: 1 }, Odd: [] }),
    "",
  );
});

it("looks into lists and maps too", () => {
  assert.equal(refused({ ExposedPorts: { "80/tcp": 1 } }), "invalid JSON: ExposedPorts.80/tcp must be an object");
  const mounts = [
    { Type: "bind", Target: "/a" },
    { Type: "bind", Target: 7 },
  ];
  assert.equal(
    refused({ HostConfig: { Mounts: mounts } }),
    "invalid JSON: HostConfig.Mounts[1].Target must be a string",
  );
  assert.equal(refused({ HostConfig: { Mounts: [null] } }), "invalid JSON: HostConfig.Mounts[0] must be an object");
  const bindings = { "80/tcp": [{ HostPort: 80 }], "81/tcp": null };
  assert.equal(
    refused({ HostConfig: { PortBindings: bindings } }),
    "invalid JSON: HostConfig.PortBindings.80/tcp[0].HostPort must be a string",
  );
  assert.equal(refused({ HostConfig: { PortBindings: { "81/tcp": null } } }), "");
});

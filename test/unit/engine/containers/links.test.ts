import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withHosts, withoutHost } from "../../../../src/engine/containers/etc-files.ts";
import { linkEnvironment } from "../../../../src/engine/containers/link-environment.ts";
import { parseLink } from "../../../../src/base/link.ts";

describe("a link", () => {
  it("is read as name, name:alias, and as inspect shows it", () => {
    assert.deepEqual(parseLink("db"), { name: "db", alias: "db" });
    assert.deepEqual(parseLink("db:store"), { name: "db", alias: "store" });
    assert.deepEqual(parseLink("/db:/web/store"), { name: "db", alias: "store" });
    for (const bad of ["", "a:b:c", ":b", "a:"]) assert.throws(() => parseLink(bad), { code: "BAD_LINK" });
  });
});

describe("a link's environment", () => {
  const of = (ports: string[], env: string[] = []): string[] =>
    linkEnvironment({ name: "/web/my-db", address: "10.0.0.2", ports, env });

  it("names the service, the lowest port and each port's parts", () => {
    assert.deepEqual(of(["443/tcp", "80/udp", "80/tcp"]), [
      "MY_DB_PORT=tcp://10.0.0.2:80",
      "MY_DB_PORT_80_TCP=tcp://10.0.0.2:80",
      "MY_DB_PORT_80_TCP_ADDR=10.0.0.2",
      "MY_DB_PORT_80_TCP_PORT=80",
      "MY_DB_PORT_80_TCP_PROTO=tcp",
      "MY_DB_PORT_80_UDP=udp://10.0.0.2:80",
      "MY_DB_PORT_80_UDP_ADDR=10.0.0.2",
      "MY_DB_PORT_80_UDP_PORT=80",
      "MY_DB_PORT_80_UDP_PROTO=udp",
      "MY_DB_PORT_443_TCP=tcp://10.0.0.2:443",
      "MY_DB_PORT_443_TCP_ADDR=10.0.0.2",
      "MY_DB_PORT_443_TCP_PORT=443",
      "MY_DB_PORT_443_TCP_PROTO=tcp",
      "MY_DB_NAME=/web/my-db",
    ]);
  });

  it("sums up three or more ports in a row", () => {
    const sums = (ports: string[]): string[] => of(ports).filter((entry) => /START|END/.test(entry));
    assert.deepEqual(sums(["80/tcp", "81/tcp"]), []);
    assert.deepEqual(sums(["80/tcp", "81/tcp", "82/udp", "443/tcp"]), [
      "MY_DB_PORT_80_TCP_START=tcp://10.0.0.2:80",
      "MY_DB_PORT_80_TCP_PORT_START=80",
      "MY_DB_PORT_80_UDP_END=udp://10.0.0.2:82",
      "MY_DB_PORT_80_UDP_PORT_END=82",
    ]);
  });

  it("passes the other's variables on, but for HOME and PATH", () => {
    assert.deepEqual(of([], ["PATH=/bin", "HOME=/", "A=b=c", "BARE"]), ["MY_DB_NAME=/web/my-db", "MY_DB_ENV_A=b=c"]);
  });
});

describe("/etc/hosts of a running container", () => {
  const text = "127.0.0.1\tlocalhost\n10.0.0.2\tdb abc\n# mine\n10.0.0.3\tweb\n";

  it("gets a linked container's new address in place, and keeps what else is there", () => {
    assert.equal(
      withHosts(text, [{ address: "10.0.0.9", names: ["db", "def"] }]),
      "127.0.0.1\tlocalhost\n10.0.0.9\tdb def\n# mine\n10.0.0.3\tweb\n",
    );
    assert.equal(withHosts(text, [{ address: "10.0.0.9", names: ["new"] }]), `${text}10.0.0.9\tnew\n`);
    assert.equal(withHosts("", [{ address: "10.0.0.9", names: ["new"] }]), "10.0.0.9\tnew\n");
  });

  it("forgets a link", () => {
    assert.equal(withoutHost(text, "db"), "127.0.0.1\tlocalhost\n# mine\n10.0.0.3\tweb\n");
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { explainFailure, statusOf } from "../../../../src/drivers/bootstrap/debian-output.ts";

test("the tools' steps become statuses, their other lines none", () => {
  const cases: [line: string, status: string | undefined][] = [
    ["I: running apt-get update...", "Reading the package lists"],
    ["I: downloading packages with apt...", "Downloading packages"],
    ["I: extracting archives...", "Extracting packages"],
    ["I: installing essential packages...", "Installing essential packages"],
    ["I: installing remaining packages inside the chroot...", "Installing the other packages"],
    ["I: cleaning package lists and apt cache...", "Cleaning up"],
    ["I: Retrieving InRelease", "Reading the package lists"],
    ["I: Retrieving libc6 2.36-9+deb12u10", "Downloading libc6"],
    ["I: Extracting bash...", "Extracting bash"],
    ["I: Unpacking dpkg...", "Unpacking dpkg"],
    ["I: Unpacking the base system...", undefined],
    ["I: Configuring libc6:amd64...", "Configuring libc6:amd64"],
    ["I: using /tmp/mmdebstrap.dafpiQsyqm as tempdir", undefined],
    ["Selecting previously unselected package", undefined],
  ];
  for (const [line, status] of cases) assert.equal(statusOf(line), status, line);
});

test("a mirror that fails is told apart from an installation that fails", () => {
  const network = [
    "I: running apt-get update...",
    "Err:1 http://127.0.0.1:9/debian bookworm InRelease",
    "  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)",
    "E: apt-get update -oAPT::Status-Fd=<$fd> failed",
  ];
  const error = explainFailure(network, "http://127.0.0.1:9/debian");
  assert.deepEqual([error.kind, error.code], ["unavailable", "MIRROR_UNREACHABLE"]);
  assert.match(
    error.message,
    /^cannot get packages from http:\/\/127\.0\.0\.1:9\/debian: Could not connect to 127\.0\.0\.1:9/,
  );
  assert.match(error.hint ?? "", /--mirror/);
  const other = explainFailure([
    "I: installing essential packages...",
    "dpkg: error: no space",
    "E: run_chroot failed",
    "",
  ]);
  assert.deepEqual(
    [other.kind, other.code, other.message],
    ["internal", "BOOTSTRAP_FAILED", "installing Debian failed: run_chroot failed"],
  );
  assert.equal(explainFailure([]).message, "installing Debian failed: no reason given");
});

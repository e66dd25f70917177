import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { translateRuntimeError } from "../../../../src/drivers/oci/translate.ts";

const CREATE =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
const EXEC = "OCI runtime exec failed: exec failed: unable to start container process: ";

it("asks docker's question where a folder meets a file", () => {
  const error = translateRuntimeError("create", "mount `/tmp/file` to `etc`: Not a directory", "sh");
  assert.equal(
    error.message,
    `${CREATE}error mounting "/tmp/file" to rootfs at "/etc": not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`,
  );
});

describe("what runtimes complain of, in Docker's words", () => {
  const cases: [verb: "create" | "exec", words: string, command: string, message: string, exitCode?: number][] = [
    [
      "create",
      "executable file `nope` not found in $PATH: No such file or directory",
      "nope",
      'exec: "nope": executable file not found in $PATH',
      127,
    ],
    [
      "create",
      '{"level":"error","msg":"runc create failed: unable to start container process: exec: \\"nope\\": executable file not found in $PATH"}',
      "nope",
      'exec: "nope": executable file not found in $PATH',
      127,
    ],
    [
      "exec",
      'exec failed: unable to start container process: exec: "nope": executable file not found in $PATH',
      "nope",
      'exec: "nope": executable file not found in $PATH',
      127,
    ],
    [
      "create",
      "executable file `/no/such` not found in $PATH: No such file or directory",
      "/no/such",
      'exec: "/no/such": stat /no/such: no such file or directory',
      127,
    ],
    ["create", "open executable: Operation not permitted", "/etc", 'exec: "/etc": permission denied', 126],
    [
      "create",
      'time="2026-01-01T00:00:00Z" level=error msg="runc create failed: unable to start container process: exec: \\"/x\\": permission denied"',
      "/x",
      'exec: "/x": permission denied',
      126,
    ],
    ["create", "writing file `pids.max`: Invalid argument", "sh", "writing file `pids.max`: Invalid argument"],
    ["exec", "", "sh", "no message from the runtime"],
  ];
  for (const [verb, words, command, message, exitCode] of cases) {
    it(`${verb}: ${message}`, () => {
      const error = translateRuntimeError(verb, words, command);
      assert.equal(error.message, `${verb === "exec" ? EXEC : CREATE}${message}: unknown`);
      assert.equal(error.details?.["exitCode"], exitCode);
    });
  }
});

/** What Docker's words for a runtime's refusal begin with; its clients read their exit codes from what follows. */
export const refusalHead = (verb: "create" | "start" | "exec"): string =>
  verb === "exec"
    ? "OCI runtime exec failed: exec failed: unable to start container process"
    : "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process";

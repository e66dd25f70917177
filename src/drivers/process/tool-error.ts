/** An outside program failed. Drivers translate it; nothing above them sees it. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly tool: string;
  readonly argv: string[];
  /** -1: never started, killed or timed out. */
  readonly exitCode: number;
  /** The end of what it wrote to stderr, trimmed. */
  readonly stderr: string;

  constructor(tool: string, argv: string[], exitCode: number, stderr: string) {
    super(`${tool} ${argv.join(" ")}: exit ${exitCode}: ${stderr.trim()}`);
    this.tool = tool;
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr.trim();
  }
}

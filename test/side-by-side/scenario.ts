/** Commands on one subject, run in order against a daemon that holds busybox:latest and nothing else. */
export interface Scenario {
  name: string;
  /** Lines for `sh -c`, each run in the scenario's own empty folder with nothing on stdin. */
  commands: string[];
}

/** One command a line; empty lines and lines that begin with # don't count. */
export const scenario = (name: string, text: string): Scenario => ({
  name,
  commands: text.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
});

/** What a daemon answered, made comparable by `normalise`. */
export interface Answer {
  command: string;
  code: number;
  stdout: string;
  stderr: string;
}

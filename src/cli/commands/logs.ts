import { command, exactly } from "../command.ts";
import { flag, text, textOr } from "../flags.ts";
import { attempt } from "../format/listing.ts";
import { apiTime } from "../moments.ts";
import { STREAM } from "../../wire/frames.ts";

export default command({
  usage: "[OPTIONS] CONTAINER",
  examples: ["gantry logs -f --tail 20 web", "gantry logs --since 10m -t web"],
  args: exactly(1),
  completes: ["container"],
  flags: {
    details: flag("Show extra details provided to logs"),
    follow: flag("Follow log output", "f"),
    since: text('Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'),
    tail: textOr("all", "Number of lines to show from the end of the logs", "n"),
    timestamps: flag("Show timestamps", "t"),
    until: text('Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'),
  },
  async run(context, [name = ""], { details, follow, since, tail, timestamps, until }) {
    const { containers } = await context.engine();
    const { Id: id, Config: config } = await containers.inspect(name);
    const now = Date.now();
    const moment = (option: string, text: string): string =>
      attempt(() => apiTime(text, now), `invalid value for "${option}"`);
    const parts = await containers.logs(id, config.Tty === true, {
      stdout: true,
      stderr: true,
      follow,
      timestamps,
      tail,
      details,
      since: since && moment("since", since),
      until: until && moment("until", until),
    });
    for await (const { stream, data } of parts) (stream === STREAM.stderr ? context.err : context.out).write(data);
  },
});

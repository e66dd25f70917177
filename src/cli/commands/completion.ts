import { command, exactly } from "../command.ts";
import { SCRIPTS } from "../completing/scripts.ts";
import { Exit } from "../exit.ts";

const shells = Object.keys(SCRIPTS);

export default command({
  usage: "bash|zsh|fish",
  about:
    "Print the script that completes gantry's commands, flags and names in a shell\n\n" +
    "  bash:  gantry completion bash >/etc/bash_completion.d/gantry\n" +
    "  zsh:   gantry completion zsh >/usr/local/share/zsh/site-functions/_gantry\n" +
    "  fish:  gantry completion fish >~/.config/fish/completions/gantry.fish",
  args: exactly(1),
  completes: [shells],
  flags: {},
  async run(context, [shell = ""]) {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell as keyof typeof SCRIPTS] : undefined;
    if (script === undefined)
      throw new Exit(1, `unknown shell: ${JSON.stringify(shell)}: must be one of ${shells.join(", ")}`);
    context.out.write(script);
  },
});

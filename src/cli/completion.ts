// duo-fleet completion
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';
import { SHELLS } from './flags.ts';

/** Prints a shell's completions. */
export const completionCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('completion', onChosen, {
    describe: 'Print completions for a shell: commands, flags, hosts and groups',
    positional: ['shell', `${SHELLS.join(', ')} ($SHELL)`],
    examples: [
      ['source <(duo-fleet completion bash)', 'In ~/.bashrc; zsh: the same in ~/.zshrc, after compinit'],
      ['duo-fleet completion fish | source', 'In ~/.config/fish/config.fish'],
    ],
  });

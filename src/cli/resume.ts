// duo-fleet resume
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Finishes a run that was cut off. */
export const resumeCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('resume', onChosen, {
    describe: 'Finish a run that was cut off: ask its hosts what became of them, then bring the rest there',
    positional: ['run', 'Name of the run (the newest one with unfinished hosts)'],
    examples: [
      ['duo-fleet resume', 'The newest run with unfinished hosts, after a question'],
      ['duo-fleet resume 20261122-054735-ab12 --yes', 'That run, without a question'],
      ['duo-fleet resume --only-settle', 'See how cut-off hosts ended, and start nothing new on any'],
    ],
  });

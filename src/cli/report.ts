// duo-fleet report
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Tells what a run came to, from its journal. */
export const reportCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('report', onChosen, {
    describe: 'Tell what a run came to, from its journal: for people, auditors and programs',
    positional: ['run', 'Name of the run (the newest one)'],
    examples: [
      ['duo-fleet report', 'The newest run, as text'],
      ['duo-fleet report --output run.html', 'One page that needs nothing else, for a browser or a printer'],
      ['duo-fleet report 20261122-054735-ab12 --format json', 'That run, for a program'],
      ['duo-fleet report --output TEST-duo.xml', "JUnit's XML, for Jenkins or GitLab"],
    ],
  });

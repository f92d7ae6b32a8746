// Every command, in the order of the help.
import type { CommandModule } from 'yargs';
import { applyCommand } from './apply.ts';
import type { OnChosen } from './command-module.ts';
import { completionCommand } from './completion.ts';
import { explainCommand } from './explain.ts';
import type { CommandName } from './flags.ts';
import { initCommand } from './init.ts';
import { planCommand } from './plan.ts';
import { reportCommand } from './report.ts';
import { resumeCommand } from './resume.ts';
import { rollbackCommand } from './rollback.ts';
import { runsCommand } from './runs.ts';
import { secretCommand } from './secret.ts';
import { verifyCommand } from './verify.ts';

export const COMMANDS: Readonly<Record<CommandName, (onChosen: OnChosen) => CommandModule>> = {
  apply: applyCommand,
  plan: planCommand,
  verify: verifyCommand,
  rollback: rollbackCommand,
  resume: resumeCommand,
  explain: explainCommand,
  runs: runsCommand,
  report: reportCommand,
  secret: secretCommand,
  init: initCommand,
  completion: completionCommand,
};

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

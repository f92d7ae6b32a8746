// One invocation from argv to exit code.
import type { Command } from '../core/event.ts';
import { DEFAULT_RULES } from '../core/wave.ts';
import { JournalError } from '../engine/journal.ts';
import { jsonDocument } from '../view/json-document.ts';
import { carry, writeFileTold } from './carry.ts';
import type { Rim, Wire } from './carry-run.ts';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';
import { askBetween, confirmed, goOn, rollbackConfirmed, type Answer } from './confirm-run.ts';
import type { Ending } from './ending.ts';
import { explainFolder } from './explain-folder.ts';
import { explainHost } from './explain-host.ts';
import { listRuns } from './list-runs.ts';
import { loadFleet, type Fleet } from './load-fleet.ts';
import { makeRemote, type RemoteOf } from './make-remote.ts';
import { manageSecret } from './manage-secret.ts';
import { readyFleet, readySecrets } from './open-secrets.ts';
import type { Options } from './options.ts';
import { parseArgv } from './parse-argv.ts';
import { noneLost, noneStrange, readPlanFile } from './plan-files.ts';
import { openReportFile } from './report-file.ts';
import type { ResumeOptions } from './resume-options.ts';
import { findResumption, type NothingToResume, type Resumption } from './resumption.ts';
import type { RollbackOptions } from './rollback-options.ts';
import { rollbackRollout, rolloutOf } from './rollout-options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';
import { foldedFormat, tellReport } from './tell-report.ts';
import { writeInventory } from './write-inventory.ts';

/** Does what argv says. Never throws for the operator's mistakes. */
export const invoke = async (
  surroundings: Surroundings,
  wire: Wire,
  remoteOf: RemoteOf = makeRemote,
): Promise<Ending> => {
  try {
    const invocation = await parseArgv(surroundings);
    if (invocation.kind === 'text') {
      await surroundings.stdout.write(invocation.text);
      return { exitCode: 0, endNow: false };
    }
    if (invocation.kind === 'explain') {
      const { options } = invocation;
      return options.kind === 'folder'
        ? await explainFolder(options, surroundings)
        : await explainHost(options, surroundings, remoteOf);
    }
    if (invocation.kind === 'completion') {
      await surroundings.stdout.write(COMPLETION_SCRIPTS[invocation.options.shell]);
      return { exitCode: 0, endNow: false };
    }
    if (invocation.kind === 'init') return await writeInventory(invocation.options.path, surroundings);
    if (invocation.kind === 'rollback') return await rollback(invocation.options, { surroundings, wire });
    if (invocation.kind === 'runs') return await listRuns(invocation.options, surroundings);
    if (invocation.kind === 'report') return await tellReport(invocation.options, surroundings);
    if (invocation.kind === 'secret') {
      return await manageSecret(invocation.options, surroundings);
    }
    if (invocation.kind === 'resume') return await resume(invocation.options, { surroundings, wire });
    return await carryOut(invocation.command, invocation.options, { surroundings, wire });
  } catch (thrown) {
    // A journal that does not open, too, comes before anything was touched.
    if (!(thrown instanceof UsageError) && !(thrown instanceof JournalError)) throw thrown;
    const lines = thrown.message.split('\n').map((line) => `duo-fleet: ${line}\n`);
    await surroundings.stderr.write(`${lines.join('')}Nothing was touched.\n`);
    return { exitCode: 2, endNow: false };
  }
};

const carryOut = async (
  command: Exclude<Command, 'resume' | 'rollback'>,
  given: Options,
  { surroundings, wire }: Rim,
): Promise<Ending> => {
  if (given.check) {
    await surroundings.stderr.write(
      '--check: as duo-fleet plan does, this shows what would change and touches nothing.\n',
    );
  }
  const isForApply = command === 'apply' || given.check;
  const plan = isForApply ? await readPlanFile(given, surroundings) : null;
  if (plan !== null) noneStrange(plan, given);
  // What is to be typed next names the inventory: a plan that a host is not like any more is of no use for it.
  const options = plan === null ? given : { ...given, inventory: plan.inventory };
  const fleet = await loadFleet(
    options,
    surroundings,
    plan === null ? null : new Set(plan.plans.hosts.keys()),
  );
  if (plan !== null) noneLost(plan, fleet, options);
  await readyFleet(fleet, surroundings);
  const approved = plan?.plans ?? null;
  const carried = { command, options, fleet, resumption: null, approved, wish: null };
  if (command !== 'apply') {
    const secrets = await readySecrets(fleet, surroundings);
    return carry({ ...carried, secrets, rollout: null }, { surroundings, wire });
  }
  const rollout = rolloutOf(fleet, options.rollout, { base: DEFAULT_RULES, earlier: null });
  askBetween(options.rollout.confirmWaves, surroundings);
  const answer = await confirmed(fleet, rollout, { plan, options, surroundings });
  if (answer !== 'yes') return untouched(answer, surroundings);
  const secrets = await readySecrets(fleet, surroundings);
  return carry({ ...carried, secrets, rollout }, { surroundings, wire });
};

/** Of Duo nothing is asked and nothing written: a rollback must go while its keys, or whoever holds them, are away. */
const NOT_FOR_ROLLBACK = ['duo_skey', 'canary_passcode'] as const;

const rollback = async (options: RollbackOptions, { surroundings, wire }: Rim): Promise<Ending> => {
  const fleet = await loadFleet(options, surroundings);
  await readyFleet(fleet, surroundings);
  const answer = await rollbackConfirmed(fleet, options, surroundings);
  if (answer !== 'yes') return untouched(answer, surroundings);
  const secrets = await readySecrets(fleet, surroundings, NOT_FOR_ROLLBACK);
  const prepared = {
    command: 'rollback',
    options,
    fleet,
    secrets,
    resumption: null,
    approved: null,
    wish: options,
    rollout: rollbackRollout(fleet),
  } as const;
  return carry(prepared, { surroundings, wire });
};

const untouched = async (answer: Answer, { stderr }: Surroundings): Promise<Ending> => {
  await stderr.write('Nothing was touched.\n');
  return { exitCode: answer === 'interrupted' ? 130 : 1, endNow: false };
};

const resume = async (options: ResumeOptions, { surroundings, wire }: Rim): Promise<Ending> => {
  const resumption = await findResumption(options, surroundings);
  if ('why' in resumption) return nothingToResume(resumption, options, surroundings);
  const { fleet, rollout, summary } = resumption;
  askBetween(options.rollout.confirmWaves, surroundings);
  await readyFleet(fleet, surroundings);
  const text = summary.map((line) => `${line}\n`).join('');
  // Asking a host what became of it, and letting it put itself back, is no change that anybody has to agree to.
  if (options.yes || options.onlySettle) await surroundings.stderr.write(text);
  else {
    const answer = await goOn('resume', text, { yes: false, surroundings });
    if (answer !== 'yes') return untouched(answer, surroundings);
  }
  const secrets = await readySecrets(withBefore(resumption), surroundings);
  // What is to be typed next names the inventory that the run had, which need not be the one that is found from here.
  const own = { ...options, inventory: fleet.inventory };
  const prepared = {
    command: 'resume',
    options: own,
    fleet,
    secrets,
    resumption,
    approved: resumption.approved,
    wish: null,
    rollout,
  } as const;
  return carry(prepared, { surroundings, wire });
};

/** The fleet with those that are rolled back together with it, should it fail. */
const withBefore = ({ fleet, before }: Resumption): Fleet => ({
  ...fleet,
  settings: [...fleet.settings, ...before.flatMap((part) => part.fleet.settings)],
  hosts: [...fleet.hosts, ...before.flatMap((part) => part.fleet.hosts)],
});

const nothingToResume = async (
  { why, exitCode }: NothingToResume,
  options: Options,
  surroundings: Surroundings,
): Promise<Ending> => {
  await (options.json ? surroundings.stderr : surroundings.stdout).write(`${why}\n`);
  const document = `${JSON.stringify(jsonDocument('', 'resume', { exitCode, results: [], waves: [] }))}\n`;
  if (options.json) await surroundings.stdout.write(document);
  // A page and JUnit's XML tell of a run, and there was none.
  const report =
    options.report === null || foldedFormat(options.report) !== null
      ? null
      : await openReportFile(options.report, { run: 'none', flag: 'report' });
  const told =
    report === null || (await writeFileTold(report, { text: document, what: 'report', surroundings }));
  return { exitCode: told ? exitCode : 1, endNow: false };
};

// One round: a host as it is before a command, the product at work on it, a fault in the middle, and what has become of the host.
import type { TaskId } from '../../src/core/event.ts';
import { type Fault, type FaultPlace, type Healing } from './fault.ts';
import type { StruckCommand } from './fault-commands.ts';
import { isNew, judge, probeAddress, type Became, type HostStates } from './host-judge.ts';
import { pick } from './dice.ts';
import { guardEnded, hostState, sshAs, type JsonDocument, type UnderWay } from './product.ts';

export const LEASE_S = 20;
/** A run that takes longer than this does not end by itself: twice of what a stranded host may take. */
const RUN_LIMIT_MS = 420_000;
/** The lease, and the putting back of packages. */
const GUARD_LIMIT_S = LEASE_S + 120;
const HEAL_LIMIT_MS = 60_000;
const LATE_MS = 2_000;

/** When a fault strikes: so many milliseconds after the row began. */
export interface Moment {
  readonly row: TaskId;
  readonly delayMs: number;
}

/** How one round ended. */
export interface RoundEnd {
  readonly moment: Moment;
  /** The product's word; `killed` where it could not give one. */
  readonly verdict: string;
  /** The host's own record, as far as its first word. */
  readonly record: string;
  readonly became: Became;
  /** All that is not as it must be. */
  readonly complaints: readonly string[];
  /** For whoever looks into it: the run's words and the host's log. */
  readonly evidence: string;
}

/** Milliseconds after a row's beginning, in four scales: most of what happens in a row happens early. */
const DELAYS_MS = [1, 60, 250, 900] as const;

/** The moment that the dice choose. */
export const chooseMoment = (fault: Fault, { dice, command }: FaultPlace): Moment => {
  const rows = fault.rows.filter((row) => !command.lacks.includes(row));
  const row = rows[dice(rows.length)] ?? 'connect';
  return { row, delayMs: dice(pick(dice, DELAYS_MS)) };
};

/** Plays the round; the host is as `states.old` at its beginning. Rejects where the fault could not be made to happen. */
export async function playRound(place: FaultPlace, fault: Fault, states: HostStates): Promise<RoundEnd> {
  const watch = watchDoor(place);
  try {
    const { run, moment } = await runUntil(place, fault, chooseMoment(fault, place));
    const healing = await fault.strike(place, run);
    const { said, byHand, record } = await recover(place, run, healing);
    const { became, complaints } = await judge(place.fleet, place.host, states, healing.edited);
    const opened = await watch.end();
    const wrong = [
      ...opened,
      ...complaints,
      ...(await unproven(healing)),
      ...contradictions({ fault, became, record, said, healing }),
      ...(byHand ? ['it did not come to an end by itself; somebody ended it by hand'] : []),
      ...(await follow(place, states, healing)),
    ];
    return {
      moment,
      verdict: said.verdict,
      record,
      became: opened.length > 0 ? 'open' : became,
      complaints: wrong,
      evidence: wrong.length === 0 ? '' : `${said.text}\n${await hostLog(place)}`,
    };
  } finally {
    await watch.end();
  }
}

/** A run that has come to the moment. One that was over before is begun anew, on the host as it was then, and met a little earlier. */
async function runUntil(
  place: FaultPlace,
  fault: Fault,
  moment: Moment,
): Promise<{ readonly run: UnderWay; readonly moment: Moment }> {
  await fault.prepare?.(place);
  const run = await start(place);
  if (await isAt(run, place.host.name, moment)) return { run, moment };
  const result = await run.result;
  if (moment.delayMs === 0) throw new Error(`the run never came to ${moment.row}: ${messagesOf(result)}`);
  await begin(place);
  return runUntil(place, fault, { ...moment, delayMs: 0 });
}

const unproven = async ({ proof }: Healing): Promise<readonly string[]> => {
  try {
    await proof?.();
    return [];
  } catch (error) {
    return [`the fault was not there: ${error instanceof Error ? error.message : String(error)}`];
  }
};

const words = ({ command, host, inventory }: FaultPlace): readonly string[] => [
  command.name,
  '--host',
  host.name,
  '--lease',
  String(LEASE_S),
  inventory,
];

const start = (place: FaultPlace): Promise<UnderWay> => place.product.start(words(place));

/** Waits for the moment; false where the run is over before. */
async function isAt(run: UnderWay, host: string, { row, delayMs }: Moment): Promise<boolean> {
  if (!(await run.reached(`"type":"task-started","host":"${host}","task":"${row}"`))) return false;
  const pause = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), delayMs));
  return Promise.race([run.ended.then(() => false), pause]);
}

interface Said {
  readonly verdict: string;
  readonly text: string;
}

/** Time passes, the fault with it, and the host comes to an end; where it does not, somebody helps. */
async function recover(
  place: FaultPlace,
  run: UnderWay,
  healing: Healing,
): Promise<{ readonly said: Said; readonly byHand: boolean; readonly record: string }> {
  const { host } = place;
  if (healing.when === 'at the end') {
    const isOver = run.ended.then(() => guardEnded(host, GUARD_LIMIT_S));
    await Promise.race([isOver.catch(() => false), idle(HEAL_LIMIT_MS)]);
  } else await sleep(healing.when);
  await healing.heal();
  const isLate = idle(RUN_LIMIT_MS).then(() => 'late');
  if ((await Promise.race([run.ended, isLate])) === 'late') run.kill();
  const result = await run.result;
  // What a connection that hung had still to deliver comes now, and ends by its lease.
  if (await guardEnded(host, GUARD_LIMIT_S)) await sleep(LATE_MS);
  const byHand = !(await guardEnded(host, GUARD_LIMIT_S));
  if (byHand) await host.shell('sh /var/lib/duo-fleet/guard.sh recover', { timeoutMs: 200_000 });
  const tx = /"type":"claimed","host":"[^"]*","tx":"([^"]*)"/.exec(await run.journal())?.[1];
  const record = await host.shell(`cat /var/lib/duo-fleet/ended/${tx ?? 'none'} 2>/dev/null; :`);
  return {
    said: { verdict: verdictOf(result.json, result.code), text: messagesOf(result) },
    byHand,
    record: record.stdout.split(/[ :\n]/)[0] ?? '',
  };
}

const verdictOf = (json: JsonDocument | null, code: number): string =>
  json?.hosts[0]?.verdict ?? (code === -1 ? 'killed' : `exit ${code}`);

const messagesOf = (result: Awaited<UnderWay['result']>): string => {
  const hosts = result.json?.hosts ?? [];
  const said = hosts.flatMap(({ verdict, failure, findings }) => [
    `${verdict}: ${failure === null ? 'no failure' : `${failure.step} ${failure.reason} ${failure.message}`}`,
    ...findings.map(({ rule, message }) => `${rule}: ${message}`),
  ]);
  return said.length === 0 ? result.stderr.slice(-1_000) : said.join('\n');
};

const VERDICT_STATES: Readonly<Record<string, Became>> = {
  confirmed: 'new',
  refused: 'old',
  'rolled-back': 'old',
  unreachable: 'old',
  unchanged: 'new',
};
const RECORD_STATES: Readonly<Record<string, Became>> = {
  confirmed: 'new',
  reverted: 'old',
  aborted: 'old',
  foreign: 'old',
};

/** What the product, the host's record and the host itself say must agree, and be what the fault allows. */
function contradictions(end: {
  readonly fault: Fault;
  readonly became: Became;
  readonly record: string;
  readonly said: Said;
  readonly healing: Healing;
}): readonly string[] {
  const { fault, became, record, said } = end;
  const found: string[] = [];
  const isState = became === 'old' || became === 'new';
  const byVerdict = VERDICT_STATES[said.verdict];
  if (byVerdict !== undefined && isState && byVerdict !== became)
    found.push(`the verdict is ${said.verdict}, and the host is ${became}`);
  const byRecord = RECORD_STATES[record];
  if (byRecord !== undefined && isState && byRecord !== became)
    found.push(`the record says ${record}, and the host is ${became}`);
  if (said.verdict === 'stranded' && end.healing.edited === undefined) found.push('stranded');
  if (said.verdict.startsWith('exit ')) found.push(`the program ended with ${said.verdict} and no document`);
  if (fault.ends === 'old' && record === '') found.push('the run ended before it came to the fault');
  if (fault.ends !== undefined && isState && fault.ends !== became)
    found.push(`it should have ended ${fault.ends}`);
  return found;
}

/** The same command after it confirms, and the host is as a clean one leaves it. */
async function follow(place: FaultPlace, states: HostStates, healing: Healing): Promise<readonly string[]> {
  const { product, host, command, fleet } = place;
  const more = healing.edited === undefined ? [] : command.overEdits;
  const run = await product.run([...words(place), ...more]);
  const [ended] = run.json.hosts;
  if (ended?.verdict !== 'confirmed' && ended?.verdict !== 'unchanged') {
    const why = ended?.failure?.message ?? ended?.findings.map(({ message }) => message).join('; ');
    return [`a following ${command.name} ended ${ended?.verdict}: ${why}`];
  }
  const wrong = await isNew(fleet, host, states, healing.edited);
  return wrong.map((complaint) => `after a following ${command.name}: ${complaint}`);
}

/** Somebody at the door, all the time: automation's account with a wrong password. */
function watchDoor({ fleet, host }: FaultPlace): { readonly end: () => Promise<readonly string[]> } {
  const over = new AbortController();
  const how = {
    password: 'not-the-one',
    methods: 'keyboard-interactive,password',
    from: probeAddress(fleet, 5),
    command: 'echo is-in',
  };
  const trying = (async (): Promise<readonly string[]> => {
    while (!over.signal.aborted) {
      const done = await sshAs(fleet, host, 'automation', how);
      if (done.stdout.includes('is-in'))
        return ['while the fault was there, automation got in with a wrong password'];
      await sleep(500);
    }
    return [];
  })();
  return {
    end: () => {
      over.abort();
      return trying;
    },
  };
}

const hostLog = async ({ host }: FaultPlace): Promise<string> =>
  (await host.shell('tail -n 8 /var/lib/duo-fleet/log')).stdout;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** The same, and does not keep the process from ending. */
const idle = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

/** What the host is before Duo, and as a clean apply leaves it. */
export interface LearntStates {
  readonly before: string;
  readonly declared: string;
}

/** The host is as it was before Duo, and is declared afterwards. */
export async function learnStates(place: FaultPlace): Promise<LearntStates> {
  const before = await hostState(place.host);
  await declare(place);
  return { before, declared: await hostState(place.host) };
}

/** The two, as a command sees them. */
export const statesOf = ({ duo }: StruckCommand, { before, declared }: LearntStates): HostStates =>
  duo === 'new' ? { old: before, new: declared, duo } : { old: declared, new: before, duo };

/** The host as a command finds it: its root file system is made anew, and where the command undoes an apply there is one. */
export async function begin(place: FaultPlace): Promise<void> {
  await place.host.reset();
  if (place.command.duo === 'old') await declare(place);
}

async function declare({ host, product, inventory }: FaultPlace): Promise<void> {
  const run = await product.run(['apply', '--host', host.name, inventory]);
  if (run.verdicts[host.name] === 'confirmed') return;
  const why = run.json.hosts[0]?.failure?.message;
  throw new Error(`${host.name}: a clean apply ends ${run.verdicts[host.name]}: ${why}`);
}

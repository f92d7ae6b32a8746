// scripts/faults: faults on whole hosts, and what became of them.
import { parseArgs } from 'node:util';
import { playRounds, roundsOf, type PlayedRound } from './fault-course.ts';
import { commandOf } from './fault-commands.ts';
import { faultOf, FAULTS } from './fault-kinds.ts';
import { BECAME } from './host-judge.ts';
import { BUILT_PROGRAM } from './product.ts';

/** The longest name, and two blanks. */
const KIND_WIDTH = 2 + Math.max(...FAULTS.map(({ kind }) => kind.length));
const HOSTS = 'bookworm1,trixie2,bullseye1,legacy1,trixie1,plain1';

const { values } = parseArgs({
  options: {
    command: { type: 'string', default: 'apply' },
    count: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    hosts: { type: 'string', default: HOSTS },
    only: { type: 'string', multiple: true },
    fleet: { type: 'string', default: 'faults' },
    list: { type: 'boolean', default: false },
  },
});

if (values.list) {
  for (const { kind, what } of FAULTS) console.log(`${kind.padEnd(KIND_WIDTH)}${what}`);
} else {
  const started = Date.now();
  const rounds = roundsOf({
    command: commandOf(values.command),
    hosts: values.hosts.split(','),
    count: Number(values.count),
    seed: Number(values.seed),
    from: Number(values.from),
    ...(values.only === undefined ? {} : { only: values.only.map((kind) => faultOf(kind).kind) }),
  });
  const played = await playRounds(rounds, {
    fleet: values.fleet,
    seed: Number(values.seed),
    program: BUILT_PROGRAM,
    told: (round) => console.log(lineOf(round)),
  });
  console.log(`\n${tableOf(played)}`);
  console.log(
    `\n${values.command}, seed ${values.seed}: ${played.length} faults in ${Math.round((Date.now() - started) / 1000)} s, ${played.filter(isWell).length} as they must be`,
  );
  process.exitCode = played.every(isWell) ? 0 : 1;
}

function isWell(round: PlayedRound): boolean {
  return 'end' in round && round.end.complaints.length === 0;
}

function lineOf(round: PlayedRound): string {
  const head = `${String(round.number).padStart(4)}  ${round.host.padEnd(10)} ${round.fault.kind.padEnd(KIND_WIDTH)}`;
  if ('failed' in round) return `${head} FAILED ${round.failed}`;
  const { moment, verdict, record, became, complaints, evidence } = round.end;
  const line = `${head} ${`${moment.row} +${moment.delayMs}`.padEnd(22)} ${verdict.padEnd(12)} ${record.padEnd(10)} ${became}`;
  return [
    line,
    ...complaints.map((complaint) => `      ! ${complaint}`),
    ...evidence
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => `      | ${text}`),
  ].join('\n');
}

function tableOf(played: readonly PlayedRound[]): string {
  const rows = FAULTS.map(({ kind }) =>
    rowOf(
      kind,
      played.filter(({ fault }) => fault.kind === kind),
    ),
  );
  const head = cells('fault', ['rounds', ...BECAME, 'not well']);
  return [head, ...rows.filter((row) => row !== null), rowOf('all', played)].join('\n');
}

function rowOf(name: string, rounds: readonly PlayedRound[]): string | null {
  if (rounds.length === 0) return null;
  const ended = BECAME.map(
    (became) => rounds.filter((round) => 'end' in round && round.end.became === became).length,
  );
  const counts = [rounds.length, ...ended, rounds.filter((round) => !isWell(round)).length];
  return cells(
    name,
    counts.map((count) => String(count === 0 ? '.' : count)),
  );
}

function cells(first: string, others: readonly string[]): string {
  return [first.padEnd(KIND_WIDTH), ...others.map((word) => word.padStart(9))].join('');
}

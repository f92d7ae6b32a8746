// A sample of the faults of scripts/faults, which plays any number of them: whatever strikes a host while duo-fleet is at
// work on it, it ends byte for byte as it was or as the command leaves it, neither open nor locked, and the same command once
// more brings it there.
import { beforeAll, expect, test } from 'vitest';
import { playRounds, type PlayedRound, type Round } from '../support/fault-course.ts';
import { COMMANDS, type StruckCommand } from '../support/fault-commands.ts';
import { faultOf } from '../support/fault-kinds.ts';

const SEED = 20261128;

/** Hosts are at work side by side; with a lease of 20 s, three rounds on one take two minutes. */
const SAMPLE: readonly (readonly [host: string, command: StruckCommand, kinds: readonly string[]])[] = [
  ['bookworm1', COMMANDS.apply, ['power-lost-twice', 'link-down-at-confirm', 'other-upgrade']],
  // Where the reload kills sshd, and where it counts failures by their source.
  ['trixie2', COMMANDS.apply, ['sshd-dies', 'source-penalised']],
  ['legacy1', COMMANDS.apply, ['dpkg-killed', 'link-down', 'read-only:/etc']],
  ['bullseye1', COMMANDS.apply, ['disk-full', 'processes-full']],
  ['trixie1', COMMANDS.apply, ['host-hangs', 'startups-full', 'repository:expired']],
  ['plain1', COMMANDS.apply, ['line-slow', 'controller-killed']],
  ['trixie2', COMMANDS.rollback, ['sshd-dies']],
  // Where what a package has outside /etc is put back, where an apply makes a folder, and where others are at packages.
  ['legacy1', COMMANDS.rollback, ['full:/usr']],
  ['bullseye1', COMMANDS.rollback, ['power-lost-twice']],
  ['plain1', COMMANDS.rollback, ['dpkg-locked']],
];

const rounds: readonly Round[] = SAMPLE.flatMap(([host, command, kinds]) =>
  kinds.map((kind) => ({ host, command, fault: faultOf(kind) })),
).map((round, number) => ({ ...round, number }));

let played: readonly PlayedRound[];
beforeAll(async () => {
  played = await playRounds(rounds, { fleet: 'faultstest', seed: SEED });
}, 900_000);

test.each(
  rounds.map(({ host, command, fault, number }) => [host, command.name, fault.what, number] as const),
)('%s, %s: %s', (_host, _command, _what, number) => {
  const round = played.find((one) => one.number === number);
  if (round === undefined || !('end' in round)) throw new Error(round?.failed ?? 'it was not played');
  const { became, complaints, evidence } = round.end;
  expect(complaints, evidence).toEqual([]);
  expect(['old', 'new']).toContain(became);
});

// A sample of the faults of scripts/faults, which plays any number of them: whatever strikes a host while duo-fleet is at
// work on it, it ends byte for byte as it was or as declared, neither open nor locked, and the next apply brings it there.
import { beforeAll, expect, test } from 'vitest';
import { playRounds, type PlayedRound, type Round } from '../support/fault-course.ts';
import { COMMANDS } from '../support/fault-commands.ts';
import { faultOf } from '../support/fault-kinds.ts';

const SEED = 20261128;

/** Hosts are at work side by side; with a lease of 20 s, three rounds on one take two minutes. */
const SAMPLE: readonly (readonly [host: string, kinds: readonly string[]])[] = [
  ['bookworm1', ['power-lost-twice', 'link-down-at-confirm', 'other-upgrade']],
  // Where the reload kills sshd, and where it counts failures by their source.
  ['trixie2', ['sshd-dies', 'source-penalised']],
  ['legacy1', ['dpkg-killed', 'link-down', 'read-only:/etc']],
  ['bullseye1', ['disk-full', 'processes-full']],
  ['trixie1', ['host-hangs', 'startups-full', 'repository:expired']],
  ['plain1', ['line-slow', 'controller-killed']],
];

const rounds: readonly Round[] = SAMPLE.flatMap(([host, kinds]) =>
  kinds.map((kind) => ({ host, command: COMMANDS.apply, fault: faultOf(kind) })),
).map((round, number) => ({ ...round, number }));

let played: readonly PlayedRound[];
beforeAll(async () => {
  played = await playRounds(rounds, { fleet: 'faultstest', seed: SEED });
}, 900_000);

test.each(rounds.map((round) => [round.host, round.fault.what, round.number] as const))(
  '%s: %s',
  (_host, _what, number) => {
    const round = played.find((one) => one.number === number);
    if (round === undefined || !('end' in round)) throw new Error(round?.failed ?? 'it was not played');
    const { became, complaints, evidence } = round.end;
    expect(complaints, evidence).toEqual([]);
    expect(['old', 'new']).toContain(became);
  },
);

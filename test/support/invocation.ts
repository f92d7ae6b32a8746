// An invocation over a small inventory, with an engine that the test makes.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Wire } from '../../src/cli/carry-run.ts';
import { invoke } from '../../src/cli/invoke.ts';
import type { Surroundings } from '../../src/cli/surroundings.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { testSurroundings } from './surroundings.ts';

export const SKEY = 'sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT1234';
/** Three hosts; the secret stands in it. */
export const INVENTORY = `
all:
  hosts:
    web1:
    web2:
    db1:
  vars:
    ansible_user: automation
    duo_ikey: DIXXXXXXXXXXXXXXXXXX
    duo_skey: ${SKEY}
    duo_api_host: api-12345678.duosecurity.com
    ad_server_access_group: sg_serveraccess
    ad_sudo_group: sg_sudo
`;

/** A host that was brought there. */
export const confirmed = (host: string): HostResult => ({
  host,
  verdict: 'confirmed',
  changes: [{ step: 'pam-sshd', kind: 'file', target: '/etc/pam.d/sshd', why: ['content differs'] }],
  findings: [],
  checks: [],
  failure: null,
  durationMs: 4120,
});

/** An engine that brings every host there. */
export const allConfirmed: Wire = async () => async (settings, emit) => {
  await emit({ type: 'host-started', host: settings.host });
  return confirmed(settings.host);
};

/** Randomness by which each run has a name of its own, and later ones later names: the clock of a test stands still. */
export const countingBytes = (): Surroundings['randomBytes'] => {
  let count = 0;
  return (size) => new Uint8Array(size).fill((count += 1));
};

/** What can be done in one folder that has the inventory. */
export const invocationsIn = (folder: string) => ({
  /** Names of the runs that have a journal. */
  runsIn: (): readonly string[] => {
    const runs = join(folder, 'state', 'duo-fleet', 'runs');
    return existsSync(runs) ? readdirSync(runs) : [];
  },
  call: async (line: string, wire: Wire = allConfirmed, overrides: Partial<Surroundings> = {}) => {
    const outside = testSurroundings({
      argv: line.split(' '),
      cwd: folder,
      home: folder,
      env: { XDG_STATE_HOME: join(folder, 'state') },
      ...overrides,
    });
    const ending = await invoke(outside, wire);
    return { ...ending, ...outside.written };
  },
});

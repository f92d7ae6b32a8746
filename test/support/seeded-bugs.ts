// Mistakes that a guard or an engine could make, to be put in so that the laws are seen to notice them.
import { GUARD_EXIT, type GuardReply, type HostSession, type Remote } from '../../src/core/remote.ts';
import type { RunEvent } from '../../src/core/event.ts';
import { Failure } from '../../src/core/failure.ts';
import { transactionFiles } from '../../src/core/transaction.ts';
import type { TransactDeps } from '../../src/engine/transact-deps.ts';
import type { GuardDuties } from './fake-host-duties.ts';
import type { Scene } from './fake-host-scene.ts';

/** One mistake: a duty that the guard forgets, or what the engine does instead. */
export interface SeededBug {
  readonly title: string;
  readonly duties?: Partial<GuardDuties>;
  /** Over what a run is given besides. */
  readonly deps?: (scene: Scene, given: Partial<TransactDeps>) => Partial<TransactDeps>;
  /** The family of situations in which it shows, and the law that it breaks there. */
  readonly family: string;
  readonly law: string;
}

const NOTHING_OF_IT: GuardReply = { code: GUARD_EXIT.absent, lines: [] };

/** A transport whose user takes a claim that was not acknowledged for one that was never made, and does not ask. */
const countsOnlyAcknowledged = (remote: Remote): Remote => {
  const acknowledged = new Set<string>();
  const counting = (session: HostSession): HostSession => ({
    ...session,
    guard: async (call) => {
      if (call.operation !== 'claim' && call.operation !== 'prepare' && !acknowledged.has(call.tx))
        return NOTHING_OF_IT;
      const reply = await session.guard(call);
      if (call.operation === 'claim') acknowledged.add(call.tx);
      return reply;
    },
  });
  return { ...remote, connect: async (...given) => counting(await remote.connect(...given)) };
};

/** A transport whose user takes every confirmation that was sent for one that was taken. */
const believesItself = (remote: Remote): Remote => {
  const confirmed = new Set<string>();
  const believing = (session: HostSession): HostSession => ({
    ...session,
    guard: async (call) => {
      if (call.operation === 'confirm') confirmed.add(call.tx);
      const believed: GuardReply = { code: GUARD_EXIT.ok, lines: ['ended confirmed over a new login'] };
      return session.guard(call).catch((thrown: unknown) => {
        if (confirmed.has(call.tx)) return believed;
        throw thrown;
      });
    },
  });
  return { ...remote, connect: async (...given) => believing(await remote.connect(...given)) };
};

/** A transport whose user, after the two connections of an undisturbed run, does not get to make another. */
const neverAsksAnew = (remote: Remote, name: string): Remote => {
  let connected = 0;
  return {
    ...remote,
    connect: async (...given) => {
      connected += 1;
      if (connected > 2) throw new Failure('link', `${name}: not tried`);
      return remote.connect(...given);
    },
  };
};

/** What the laws must notice. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  {
    title: 'the watchdog never fires',
    duties: { firesWhenLapsed: false },
    family: 'an operation meets a fault',
    law: 'the claim of tx-1 is not released',
  },
  {
    title: 'a confirmation is taken although the claim was lost',
    duties: { fencesConfirm: false },
    family: 'an operation meets a fault',
    law: 'the record says confirmed over a new login, and the host is old',
  },
  {
    title: 'nobody stops who still writes after what was has been put back',
    duties: { fencesWriters: false },
    family: 'an operation meets a fault',
    law: 'the host is neither old nor new',
  },
  {
    title: 'what was is put back, and sshd is not reloaded',
    duties: { reloadsAfterRestore: false },
    family: 'an operation meets a fault',
    law: 'sshd runs with other settings than its files say',
  },
  {
    title: 'the engine counts a claim only if it was acknowledged',
    deps: ({ link }, { remote = link.remote }) => ({ remote: countsOnlyAcknowledged(remote) }),
    family: 'an operation meets a fault',
    law: 'refused, and tx-1 still holds the host',
  },
  {
    title: 'the lease runs only if the claim was acknowledged',
    duties: { armsUnheard: false },
    family: 'the controller is killed',
    law: 'the claim of tx-1 is not released',
  },
  {
    title: 'a stale nonce is accepted',
    duties: { comparesNonce: false },
    family: 'a confirmation of an earlier run arrives',
    law: 'nobody gets in',
  },
  {
    title: 'nothing is put back at boot',
    duties: { restoresAtBoot: false },
    family: 'power loss',
    law: 'the host is neither old nor new',
  },
  {
    title: 'a revert is recorded before it is done',
    duties: { recordsLast: false },
    family: 'power loss in a revert',
    law: 'rolled-back, and tx-1 still holds the host',
  },
  {
    title: 'the engine takes its own confirmation for the host’s',
    deps: ({ link }, { remote = link.remote }) => ({ remote: believesItself(remote) }),
    family: 'an operation meets a fault',
    law: 'confirmed, and the host is old',
  },
  {
    title: 'the engine does not ask again over a new connection',
    deps: ({ link, host }, { remote = link.remote }) => ({ remote: neverAsksAnew(remote, host.name) }),
    family: 'a second fault on the way to an end',
    law: 'stranded, and the host could be asked',
  },
  {
    title: 'the PAM stack is put before the module that it names',
    deps: () => ({
      transactionFiles: ({ changes }, facts, { repository }) =>
        transactionFiles(changes.toReversed(), facts, {
          modulePath: '/usr/lib64/security/pam_duo.so',
          repositoryUrl: repository.url,
        }),
    }),
    family: 'an operation meets a fault',
    law: 'nobody gets in before put /etc/pam.d/sudo',
  },
  {
    title: 'the journal is told of a claim only when it stands',
    deps: (_, { emit = () => Promise.resolve() }) => {
      let claimed: RunEvent | null = null;
      return {
        emit: async (event) => {
          if (event.type === 'claimed') {
            claimed = event;
            return;
          }
          await emit(event);
          if (claimed !== null && event.type === 'task-ended') await emit(claimed);
          if (event.type === 'task-ended') claimed = null;
        },
      };
    },
    family: 'the controller is killed',
    law: 'the host has a transaction that the journal does not name',
  },
];

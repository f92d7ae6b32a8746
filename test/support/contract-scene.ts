// One transaction on a host of the contract, in the words of the tests.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Facts } from '../../src/core/facts.ts';
import type {
  GuardCall,
  GuardOperation,
  GuardReply,
  HostSession,
  LoginOutcome,
} from '../../src/core/remote.ts';
import { transactionFiles } from '../../src/core/transaction.ts';
import { A_MODULE, CHANGED, CHANGES, MADE, PATHS, REMOVED, type ContractHost } from './contract-host.ts';
import { REPOSITORY_ROOT } from './lab-paths.ts';

export const DEADLINE_MS = 60_000;
const LONG_LEASE_S = 120;

const WAY = ['claimed', 'staged', 'activated', 'confirmed'] as const;

interface ClaimOptions {
  readonly tx?: string;
  readonly leaseS?: number;
}

export interface ContractScene {
  readonly host: ContractHost;
  readonly tx: string;
  /** The lifeline; a test that cuts it puts a new one here. */
  session: HostSession;
  readonly connect: () => Promise<HostSession>;
  /** A second session, closed after use. */
  readonly overAnother: <T>(use: (other: HostSession) => Promise<T>) => Promise<T>;
  readonly look: () => Promise<Facts>;
  readonly nonce: () => string;
  readonly call: (operation: GuardOperation, more?: Partial<GuardCall>) => GuardCall;
  readonly ask: (operation: GuardOperation, more?: Partial<GuardCall>) => Promise<GuardReply>;
  readonly claimCall: (facts: Facts, more?: ClaimOptions) => GuardCall;
  readonly claim: (more?: ClaimOptions) => Promise<GuardReply>;
  /** As far as this state, on the straight way. */
  readonly bringTo: (state: (typeof WAY)[number], leaseS?: number) => Promise<void>;
  readonly rehearse: () => Promise<LoginOutcome>;
  /** The contents of the three files. */
  readonly live: () => Promise<readonly (string | null)[]>;
  /** The host's own record of this transaction, as it tells it. */
  readonly record: () => Promise<readonly string[]>;
  readonly end: () => Promise<void>;
}

/** What a look at a host of the contract reads. */
export const CONTRACT_REQUEST = {
  packages: [],
  files: PATHS.map((path) => ({ path, text: false })),
  groups: [],
  accounts: [],
  connections: [],
  personas: [],
  dropInPath: '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
  spacePaths: [],
  repositoryUrl: 'https://pkg.duosecurity.com',
  modulePath: A_MODULE,
  census: false,
};

/** A scene with the files as they were, and nothing claimed yet. */
export async function openScene(host: ContractHost, tx: string): Promise<ContractScene> {
  const guardScript = await readFile(join(REPOSITORY_ROOT, 'templates/guard.sh'));
  const connect = () => host.within(host.remote.connect(host.settings, { deadlineMs: DEADLINE_MS }));
  const call: ContractScene['call'] = (operation, more = {}) => ({
    operation,
    tx,
    args: [],
    files: {},
    deadlineMs: DEADLINE_MS,
    ...more,
  });
  const must = async (operation: GuardOperation, more: Partial<GuardCall> = {}): Promise<void> => {
    const reply = await scene.ask(operation, more);
    if (reply.code !== 0) throw new Error(`${operation} ended with ${reply.code}: ${reply.lines.join('; ')}`);
  };
  const claimCall: ContractScene['claimCall'] = (facts, more = {}) => {
    const id = more.tx ?? tx;
    return call('claim', {
      tx: id,
      args: [`nonce-of-${id}`, String(more.leaseS ?? LONG_LEASE_S), 'run-1', 'ada@bastion'],
      files: {
        ...transactionFiles(CHANGES, facts, { modulePath: A_MODULE, repositoryUrl: '' }),
        'guard.sh': guardScript,
      },
    });
  };
  const scene: ContractScene = {
    host,
    tx,
    session: await connect(),
    connect,
    overAnother: async (use) => {
      const other = await connect();
      try {
        return await use(other);
      } finally {
        other.close();
      }
    },
    look: () => host.within(scene.session.observe(CONTRACT_REQUEST, DEADLINE_MS)),
    nonce: () => `nonce-of-${tx}`,
    call,
    ask: (operation, more) => host.within(scene.session.guard(call(operation, more))),
    claimCall,
    claim: async (more) => host.within(scene.session.guard(claimCall(await scene.look(), more))),
    bringTo: async (state, leaseS = LONG_LEASE_S) => {
      const { args, files } = claimCall(await scene.look(), { leaseS });
      const steps = [
        () => must('claim', { args, files }),
        () => must('prepare'),
        () => must('activate'),
        () => must('confirm', { args: [scene.nonce()] }),
      ];
      for (const step of steps.slice(0, WAY.indexOf(state) + 1)) await step();
    },
    rehearse: () =>
      host.within(
        scene.session.rehearse(
          tx,
          {
            title: 'automation by key',
            user: 'automation',
            factors: [{ kind: 'publickey', keys: 'connection' }],
            command: null,
            stdin: null,
            gate: 'candidate',
            network: 'live',
          },
          DEADLINE_MS,
        ),
      ),
    live: () => Promise.all(PATHS.map((path) => host.read(path))),
    record: async () => (await scene.ask('status')).lines,
    end: async () => {
      scene.session.close();
      // Whatever a failed promise has left must not be the next one's start.
      scene.session = await connect();
      const { pending } = await scene.look();
      if (pending !== null) {
        await host.killWatcher(pending.tx);
        await scene.ask('recover', { tx: pending.tx });
      }
      scene.session.close();
    },
  };
  await host.write(CHANGED, 'old\n');
  await host.remove(MADE);
  await host.write(REMOVED, 'to go\n');
  return scene;
}

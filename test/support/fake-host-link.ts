// The way to the fake host: core/remote.ts's ports over a link that can lose, delay and cut what goes through it.
import { Failure } from '../../src/core/failure.ts';
import type { PreflightFacts } from '../../src/core/preflight.ts';
import type { GuardReply, HostSession, Lease, LoginOutcome, Remote } from '../../src/core/remote.ts';
import { deferred } from './fake-host-time.ts';
import { leaseWord, mayRehearse, runGuard } from './fake-host-guard.ts';
import { candidateFiles, factsOf, logIn, Stopped, type FakeHost } from './fake-host.ts';

/** What can happen to one operation. */
export const FAULTS = [
  /** The connection breaks before the request arrives: nothing happens. */
  'request-lost',
  /** The request arrives and is worked on; the connection breaks before the answer. */
  'reply-lost',
  /** The request arrives and is worked on; no answer ever comes, and the connection stays. */
  'no-answer',
  /** From this request on nothing gets through, for good. */
  'dead',
  /** The same, and after some minutes new connections work again. */
  'dead-a-while',
  /** Nothing moves for longer than the lease, then everything arrives late. */
  'stalled',
  /** The host takes longer than the lease before it begins; everything else goes on. */
  'slow',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Longer than the lease of a scene, shorter than the engine's patience with a host that settles. */
const BEYOND_LEASE_MS = 100_000;
const LATENCY_MS = 5;
/** After this the keepalive has found out that nobody is there. */
const KEEPALIVE_MS = 15_000;
const CONNECT_MS = 10_000;

/** `always`: every later operation, too. */
export interface PlannedFault {
  readonly at: number;
  readonly fault: Fault;
  readonly always?: boolean;
}

export interface FakeLink {
  readonly remote: Remote;
  /** Every operation that was asked for, in its order: `guard claim`, `rehearse automation by key`. */
  readonly operations: readonly string[];
  /** For each of them, over which connection, counted from 1. */
  readonly connectionOf: readonly number[];
  /** Which operations (from 0) meet which faults. */
  plan: readonly PlannedFault[];
  /** Called with the number of each operation, before it is sent. */
  onOperation: (at: number) => void;
  /** How many of the plan's faults have happened. */
  readonly fired: () => number;
  /** Whether nobody can get an answer through it any more. */
  readonly stayedDead: () => boolean;
  /** Nothing gets through before this moment. */
  deadUntilMs: number;
  /** Connections that nobody has closed. */
  readonly open: () => number;
}

interface Connection {
  readonly number: number;
  readonly boots: number;
  broken: boolean;
  closed: boolean;
  /** Resolves when it breaks. */
  readonly end: Promise<void>;
  readonly breakOff: () => void;
  /** The root shell does one thing after another. */
  shell: Promise<unknown>;
}

const newConnection = (host: FakeHost, number: number): Connection => {
  const end = deferred<void>();
  const connection: Connection = {
    number,
    boots: host.memory.boots,
    broken: false,
    closed: false,
    end: end.promise,
    breakOff: () => {
      connection.broken = true;
      end.resolve();
    },
    shell: Promise.resolve(),
  };
  return connection;
};

/** A login whose connection was lost, or that was not answered, says nothing. */
const unproven = (thrown: unknown): LoginOutcome => {
  if (thrown instanceof Failure) return { kind: 'unproven', message: thrown.message };
  throw thrown;
};

const lostLink = (host: FakeHost): Failure => new Failure('link', `${host.name}: the connection was lost`);

/** A link to one host. */
export const fakeLink = (host: FakeHost): FakeLink => {
  const { time } = host;
  const operations: string[] = [];
  const connectionOf: number[] = [];
  let connected = 0;
  const connections = new Set<Connection>();
  let fired = 0;
  let stalledUntilMs = 0;

  const faultOf = (connection: Connection, name: string): Fault | null => {
    const number = operations.length;
    link.onOperation(number);
    operations.push(name);
    connectionOf.push(connection.number);
    const planned = link.plan.find(({ at, always = false }) => at === number || (always && number > at));
    if (planned === undefined) return null;
    const { fault } = planned;
    if (planned.at === number) fired += 1;
    if (fault === 'dead') link.deadUntilMs = Number.POSITIVE_INFINITY;
    if (fault === 'dead-a-while') link.deadUntilMs = time.nowMs() + BEYOND_LEASE_MS;
    if (fault === 'stalled') stalledUntilMs = time.nowMs() + BEYOND_LEASE_MS;
    return fault;
  };

  /** One direction. What is sent into a dead link is gone, and the sender finds out by its keepalive. */
  const transit = async (connection: Connection): Promise<void> => {
    await time.sleep(Math.max(LATENCY_MS, stalledUntilMs - time.nowMs()));
    const cut = time.nowMs() < link.deadUntilMs;
    if (cut) await time.sleep(KEEPALIVE_MS);
    if (cut || !host.memory.powered || connection.boots !== host.memory.boots) connection.breakOff();
    if (connection.broken) throw lostLink(host);
  };

  const carried = async <T>(
    connection: Connection,
    fault: Fault | null,
    body: () => Promise<T>,
  ): Promise<T> => {
    if (connection.broken || connection.closed) throw lostLink(host);
    if (fault === 'request-lost') {
      connection.breakOff();
      throw lostLink(host);
    }
    await transit(connection);
    if (fault === 'slow') await time.sleep(BEYOND_LEASE_MS);
    const result = await body().catch((thrown: unknown) => {
      if (!(thrown instanceof Stopped)) throw thrown;
      connection.breakOff();
      throw lostLink(host);
    });
    if (fault === 'reply-lost') connection.breakOff();
    if (fault === 'no-answer') await new Promise<never>(() => undefined);
    await transit(connection);
    return result;
  };

  /** One operation with its fault and its deadline; whatever becomes of it on the host goes on. */
  const carry = async <T>(
    connection: Connection,
    name: string,
    deadlineMs: number,
    body: () => Promise<T>,
  ): Promise<T> => {
    const work = carried(connection, faultOf(connection, name), body);
    work.catch(() => undefined);
    const cut = connection.end.then(() => {
      throw lostLink(host);
    });
    const late = time.sleep(deadlineMs).then(() => {
      throw new Failure('timeout', `${host.name}: no answer to ${name} within ${deadlineMs / 1000} s`);
    });
    return Promise.race([work, cut, late]);
  };

  /** In the root channel's one shell, after what was sent before. */
  const inShell = <T>(connection: Connection, body: () => Promise<T>): Promise<T> => {
    const turn = connection.shell.then(body);
    connection.shell = turn.catch(() => undefined);
    return turn;
  };

  const sessionOver = (connection: Connection): HostSession => ({
    sourceAddress: '198.51.100.1',
    observe: (request, deadlineMs, through) =>
      carry(connection, through === undefined ? 'observe' : 'look ahead', deadlineMs, () =>
        inShell(connection, async () => {
          await time.sleep(host.loginMs);
          if (through === undefined) return factsOf(host, request);
          if (!mayRehearse(host, through)) throw new Failure('exit', `${host.name} refused the look ahead`);
          return factsOf(host, request, candidateFiles(host, through));
        }),
      ),
    guard: (call) => {
      const lines: string[] = [];
      const say = (line: string): void => {
        if (!line.startsWith('#mark ')) lines.push(line);
        else if (!connection.broken && !connection.closed && time.nowMs() >= link.deadUntilMs)
          call.onMark?.(line.slice('#mark '.length));
      };
      return carry(connection, `guard ${call.operation}`, call.deadlineMs, () =>
        inShell(connection, async () => ({ code: await runGuard(host, call, say), lines })),
      );
    },
    preflight: (request, deadlineMs) =>
      carry(connection, 'preflight', deadlineMs, async () => host.duo).catch(
        (thrown: unknown): PreflightFacts => {
          if (!(thrown instanceof Failure)) throw thrown;
          const target = { name: request.apiHost, port: 443, isProxy: false };
          return { ...host.duo, target, unproven: thrown.message };
        },
      ),
    holdLease: (options) => holdLease(connection, options),
    rehearse: (tx, attempt, deadlineMs) =>
      carry(connection, `rehearse ${attempt.title}`, deadlineMs, async (): Promise<LoginOutcome> => {
        await time.sleep(host.loginMs);
        return mayRehearse(host, tx)
          ? logIn(host, attempt, host.rehearsal)
          : { kind: 'unproven', message: 'the guard refused the rehearsal' };
      }).catch(unproven),
    logMark: (deadlineMs) =>
      carry(connection, 'log mark', deadlineMs, () =>
        inShell(connection, () => Promise.resolve(String(host.log.length))),
      ),
    duoLog: ({ since, user }, deadlineMs) =>
      carry(connection, `log of ${user}`, deadlineMs, () =>
        inShell(connection, () => Promise.resolve(host.log.slice(Number(since)))),
      ),
    close: () => {
      connection.closed = true;
      connections.delete(connection);
    },
  });

  const holdLease = async (
    connection: Connection,
    { tx, everyMs, leaseS }: Parameters<HostSession['holdLease']>[0],
  ): Promise<Lease> => {
    let closed = false;
    const lost = deferred<string>();
    const renew = async (deadlineMs: number): Promise<boolean> => {
      const lines: string[] = [];
      await carry(connection, 'renew', deadlineMs, () =>
        leaseWord(host, tx, leaseS, (line) => lines.push(line)),
      );
      return lines.includes('ok');
    };
    // Lost when half of the lease has passed without an answer, so that we know before the host acts.
    const answerMs = (leaseS * 1000) / 2;
    const hold = async (): Promise<void> => {
      for (;;) {
        await time.sleep(everyMs);
        if (closed) return;
        const ok = await renew(answerMs).catch(() => null);
        if (ok !== true) {
          lost.resolve(ok === null ? 'a renewal was not answered in time' : 'the host refused a renewal');
          return;
        }
      }
    };
    await carry(connection, 'holdLease', answerMs, async () => {
      // A transaction that has ended has no script any more that could answer.
      if (!host.disk.transactions.has(tx)) throw lostLink(host);
      const lines: string[] = [];
      await leaseWord(host, tx, leaseS, (line) => lines.push(line));
      if (!lines.includes('ok'))
        throw new Failure('fenced', `${host.name} grants no lease: ${lines.join('; ')}`);
    });
    void hold();
    return {
      lost: lost.promise,
      revert: async (deadlineMs): Promise<GuardReply> => {
        const lines: string[] = [];
        await carry(connection, 'lease revert', deadlineMs, () =>
          leaseWord(host, tx, 'revert', (line) => lines.push(line)),
        );
        const done = lines.find((line) => line.startsWith('done '));
        return {
          code: Number(done?.slice('done '.length) ?? 1),
          lines: lines.filter((line) => line !== done),
        };
      },
      close: () => {
        closed = true;
      },
    };
  };

  const connect: Remote['connect'] = async (_settings, { deadlineMs }) => {
    connected += 1;
    const connection = newConnection(host, connected);
    let abandoned = false;
    return carry(connection, 'connect', deadlineMs, async () => {
      await time.sleep(host.loginMs);
      if (!host.letsIn()) throw new Failure('auth', `${host.name} refused the login by key`);
      if (!abandoned) connections.add(connection);
      return sessionOver(connection);
    }).catch(async (thrown: unknown) => {
      abandoned = true;
      connections.delete(connection);
      // A connection that nobody answers takes its time to fail.
      if (thrown instanceof Failure && thrown.reason === 'link') await time.sleep(CONNECT_MS);
      throw thrown;
    });
  };

  const login: Remote['login'] = async (_settings, attempt, deadlineMs) => {
    connected += 1;
    return carry(newConnection(host, connected), `login ${attempt.title}`, deadlineMs, async () => {
      await time.sleep(host.loginMs);
      return logIn(host, attempt, host.login);
    }).catch(unproven);
  };

  const link: FakeLink = {
    remote: {
      connect,
      login,
    },
    operations,
    connectionOf,
    plan: [],
    onOperation: () => undefined,
    fired: () => fired,
    stayedDead: () =>
      link.deadUntilMs === Number.POSITIVE_INFINITY ||
      link.plan.some(({ at, always = false }) => always && operations.length > at),
    deadUntilMs: 0,
    open: () => connections.size,
  };
  return link;
};

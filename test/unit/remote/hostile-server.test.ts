import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import type { LoginAttempt } from '../../../src/core/remote.ts';
import { Secret } from '../../../src/core/secret.ts';
import { makeObserveRequest } from '../../../src/steps/observe-request.ts';
import {
  flood,
  startHostileSshd,
  type HostileBehaviour,
  type HostileSshd,
} from '../../support/hostile-sshd.ts';
import { EVERY_ESCAPE, steeringOf } from '../../support/hostile-text.ts';

/** Far above what is kept of anything, far below what a flood brings in its time. */
const MEMORY_BYTES_MAX = 200 * 1024 * 1024;

let sshd: HostileSshd | null = null;
afterEach(async () => {
  await sshd?.close();
  sshd = null;
});
const start = async (behaviour: HostileBehaviour): Promise<HostileSshd> => {
  sshd = await startHostileSshd(behaviour);
  return sshd;
};

/** What came of it, which must be a Failure that says nothing that steers a terminal; and the memory that it took. */
const failing = async (what: () => Promise<unknown>): Promise<Failure> => {
  const before = process.memoryUsage();
  const thrown = await what().then(
    () => expect.unreachable('it worked'),
    (error: unknown) => error,
  );
  const after = process.memoryUsage();
  expect(after.rss - before.rss).toBeLessThan(MEMORY_BYTES_MAX);
  expect(thrown).toBeInstanceOf(Failure);
  const failure = thrown as Failure;
  expect(failure.reason).not.toBe('bug');
  expect(steeringOf(failure.message)).toBeNull();
  expect(failure.message.length).toBeLessThan(4_000);
  return failure;
};

const connecting = async (behaviour: HostileBehaviour, deadlineMs = 2_000): Promise<Failure> => {
  const server = await start(behaviour);
  return failing(() => server.remote().connect(server.settings(), { deadlineMs }));
};

const observing = async (exec: HostileBehaviour['exec'], deadlineMs = 3_000): Promise<Failure> => {
  const server = await start(exec === undefined ? {} : { exec });
  const settings = server.settings();
  const session = await server.remote().connect(settings, { deadlineMs: 5_000 });
  try {
    return await failing(() => session.observe(makeObserveRequest(settings), deadlineMs));
  } finally {
    session.close();
  }
};

const MEGABYTE = 'x'.repeat(1024 * 1024);
const ESCAPES = EVERY_ESCAPE.replaceAll('\ud800', '');

describe('before a login', () => {
  test('no key exchange is offered in which the server chooses the numbers', async () => {
    let offered = '';
    await connecting({
      raw: (socket: Socket) => {
        socket.write('SSH-2.0-x\r\n');
        socket.on('data', (bytes) => {
          offered += bytes.toString('latin1');
          if (offered.includes('curve25519')) socket.end();
        });
      },
    });
    expect(offered).toContain('curve25519-sha256');
    expect(offered).not.toContain('group-exchange');
  });

  test.each([
    ['lines for ever that are no banner', `${MEGABYTE}\n`],
    ['a line for ever', MEGABYTE],
    ['escapes for ever', ESCAPES.repeat(100)],
    ['a banner without an end', `SSH-2.0-${MEGABYTE}`],
    ['packets that are none', `SSH-2.0-x\r\n${MEGABYTE}`],
  ])('%s are a lost link', async (_what, piece) => {
    const failure = await connecting({ raw: (socket) => flood(socket, piece) });
    expect(failure.reason).toBe('link');
  });

  test('a server that says nothing is a timeout', async () => {
    expect(await connecting({ raw: () => undefined }, 300)).toMatchObject({ reason: 'timeout' });
  });

  test('a server that never answers the login is a timeout', async () => {
    const failure = await connecting({ auth: () => undefined }, 300);
    expect(failure.reason).toBe('timeout');
  });
});

describe('during a login', () => {
  const attempt: LoginAttempt = {
    title: 'somebody',
    user: 'somebody',
    factors: [{ kind: 'keyboard-interactive', answer: null }],
    command: 'id',
    stdin: null,
    gate: 'candidate',
    network: 'live',
  };
  const asking =
    (prompts: readonly { readonly prompt: string; readonly echo: boolean }[]) =>
    async (answering = false) => {
      let rounds = 0;
      const server = await start({
        auth: (context) => {
          if (context.method !== 'keyboard-interactive') {
            context.reject(['keyboard-interactive']);
            return;
          }
          const again = (): void => {
            rounds += 1;
            context.prompt([...prompts], ESCAPES, ESCAPES, again);
          };
          again();
        },
      });
      const factors = [{ kind: 'keyboard-interactive', answer: answering ? new Secret('x') : null }] as const;
      // The limit of rounds ends one that is answered, however busy this machine is; the others are to run into their deadline.
      const deadlineMs = answering ? 30_000 : 1_500;
      const outcome = await server.remote().login(server.settings(), { ...attempt, factors }, deadlineMs);
      return { outcome, rounds };
    };

  test('questions for ever are an attempt that proves nothing', async () => {
    const { outcome, rounds } = await asking([{ prompt: 'more? ', echo: false }])(true);
    expect(outcome).toMatchObject({ kind: 'unproven', message: expect.stringContaining('more than 32') });
    expect(rounds).toBeLessThan(40);
  });

  test('rounds without a question for ever are an attempt that proves nothing', async () => {
    const { outcome } = await asking([])();
    expect(outcome.kind).toBe('unproven');
  });

  test('a question full of escapes is shown without them', async () => {
    const { outcome } = await asking([{ prompt: ESCAPES.repeat(20), echo: false }])();
    expect(outcome.kind).toBe('unproven');
    expect(steeringOf(JSON.stringify(outcome))).toBeNull();
  });
});

type Channel = Parameters<NonNullable<HostileBehaviour['exec']>>[1];
const streamOf = (channel: Channel, name: 'stdout' | 'stderr') =>
  name === 'stdout' ? channel : channel.stderr;

describe('of a root shell', () => {
  const channels = ['stdout', 'stderr'] as const;
  test.each(channels)(
    'an endless answer on %s is a Failure that says so, and not more memory',
    async (name) => {
      const failure = await observing(
        (_command, channel) => flood(streamOf(channel, name), MEGABYTE),
        60_000,
      );
      expect(failure).toMatchObject({
        reason: 'exit',
        message: expect.stringContaining('answered with over'),
      });
    },
  );

  test('an end without a status is a lost link', async () => {
    const failure = await observing((_command, channel) => void channel.end());
    expect(failure.reason).toBe('link');
  });

  test('a refusal full of escapes is told without them', async () => {
    const failure = await observing((_command, channel) => {
      channel.stderr.write(ESCAPES.repeat(1_000));
      channel.exit(1);
      channel.end();
    });
    expect(failure.reason).toBe('auth');
  });

  test('silence is a timeout', async () => {
    expect(await observing(() => undefined, 300)).toMatchObject({ reason: 'timeout' });
  });

  test('somebody else’s marker does not end a command', async () => {
    const failure = await observing((_command, channel) => {
      channel.write(`\u001e${'0'.repeat(32)} 1 0\n`.repeat(1_000));
    }, 300);
    expect(failure.reason).toBe('timeout');
  });

  test('our marker with another number is a lost link', async () => {
    const failure = await observing((_command, channel) => {
      channel.on('data', (bytes: Buffer) => {
        const [, nonce] = /\\036([0-9a-f]{32}) /.exec(bytes.toString('latin1')) ?? [];
        if (nonce !== undefined) channel.write(`\u001e${nonce} 7 0\n`);
      });
    });
    expect(failure).toMatchObject({ reason: 'link', message: expect.stringContaining('mixed up') });
  });
});

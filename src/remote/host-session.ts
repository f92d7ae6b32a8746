// A root session on one host: the engine's lifeline, over one connection.
import { Failure } from '../core/failure.ts';
import type { Facts } from '../core/facts.ts';
import type { PreflightFacts, PreflightRequest } from '../core/preflight.ts';
import { printable } from '../core/printable.ts';
import type {
  GuardCall,
  GuardReply,
  HostSession,
  Lease,
  LoginAttempt,
  LoginOutcome,
  ObserveRequest,
} from '../core/remote.ts';
import type { KeysOf } from './credentials.ts';
import { duoLogScript, type DuoLogQuestion } from './duo-log-script.ts';
import { preflightDuo } from './duo-preflight.ts';
import type { ExecChannel } from './exec-channel.ts';
import { candidateFrame, guardFrame, GuardLines, guardWords } from './guard-frame.ts';
import { holdLease } from './lease-channel.ts';
import { rehearseLogin } from './login-attempt.ts';
import { buildObserveScript, parseObserveOutput } from './observe.ts';
import { RootChannel } from './root-channel.ts';
import { shellCommand } from './shell-quote.ts';
import type { SshConnection } from './ssh-connection.ts';
import { deadlineIn, within, type Deadline, type Timer } from './timer.ts';

/** What a session needs besides its connection. */
export interface SessionOptions {
  readonly host: string;
  readonly become: boolean;
  readonly sourceAddress: string;
  /** Keys for rehearsed logins. */
  readonly keysOf: KeysOf;
  /** 32 hex digits, fresh at every call. */
  readonly nonce: () => string;
  readonly timer: Timer;
}

/** Opens the root shell and hands out the session; nothing was asked of the host yet, not even whether sudo allows it. */
export const openSession = async (
  connection: SshConnection,
  options: SessionOptions,
  deadline: Deadline,
): Promise<HostSession> => {
  const channel = await connection.exec(rootCommand(options.become, ['/bin/sh']), deadline);
  const root = new RootChannel(channel, {
    host: options.host,
    nonce: options.nonce(),
    become: options.become,
    lost: connection.closed,
  });
  return new RootSession(connection, root, options);
};

const rootCommand = (become: boolean, words: readonly string[]): string =>
  shellCommand(become ? ['sudo', '-n', ...words] : words);

class RootSession implements HostSession {
  readonly sourceAddress: string;
  readonly #connection: SshConnection;
  readonly #root: RootChannel;
  readonly #options: SessionOptions;

  constructor(connection: SshConnection, root: RootChannel, options: SessionOptions) {
    this.sourceAddress = options.sourceAddress;
    this.#connection = connection;
    this.#root = root;
    this.#options = options;
  }

  async observe(request: ObserveRequest, deadlineMs: number, through?: string): Promise<Facts> {
    const nonce = this.#options.nonce();
    const script = buildObserveScript(request, nonce);
    const result = await this.#root.run(through === undefined ? script : candidateFrame(through, script), {
      deadline: this.#deadline(deadlineMs),
    });
    if (result.status !== 0) {
      throw new Failure(
        'exit',
        `reading the state of ${this.#options.host} ended with status ${result.status}: ${printable(result.stderr)}`,
      );
    }
    return parseObserveOutput(result.output, nonce);
  }

  async preflight(request: PreflightRequest, deadlineMs: number): Promise<PreflightFacts> {
    const { become, nonce } = this.#options;
    const exec = async (words: readonly string[], deadline: Deadline): Promise<ExecChannel> =>
      this.#connection.exec(rootCommand(become, words), deadline);
    return preflightDuo(request, { exec, nonce }, this.#deadline(deadlineMs));
  }

  async guard(call: GuardCall): Promise<GuardReply> {
    const lines = new GuardLines((mark) => call.onMark?.(printable(mark)));
    const result = await this.#root.run(guardFrame(call), {
      deadline: this.#deadline(call.deadlineMs),
      onOutput: (bytes) => lines.push(bytes),
    });
    return { code: result.status, lines: lines.finish() };
  }

  async holdLease(options: {
    readonly tx: string;
    readonly everyMs: number;
    readonly leaseS: number;
  }): Promise<Lease> {
    const { host, timer } = this.#options;
    const { tx, everyMs, leaseS } = options;
    const deadline = this.#deadline((leaseS * 1000) / 2);
    const channel = await this.#guardChannel('lease', tx, { args: [], deadline });
    const lease = await within(
      deadline,
      holdLease(channel, { host, everyMs, leaseS, timer }),
      () => `the guard of ${host} has not granted the lease in time`,
    ).catch((error: unknown) => {
      channel.close();
      throw error;
    });
    return lease;
  }

  async rehearse(tx: string, attempt: LoginAttempt, deadlineMs: number): Promise<LoginOutcome> {
    const { host, keysOf } = this.#options;
    const deadline = this.#deadline(deadlineMs);
    try {
      return await rehearseLogin(
        async () => this.#guardChannel('rehearse', tx, { args: [attempt.gate, attempt.network], deadline }),
        attempt,
        { keysOf, host, deadline },
      );
    } catch (error) {
      // A channel that could not be opened says nothing about the login.
      if (error instanceof Failure && error.reason !== 'bug')
        return { kind: 'unproven', message: error.message };
      throw error;
    }
  }

  async logMark(deadlineMs: number): Promise<string> {
    const [mark = ''] = await this.#readLog({ what: 'mark' }, deadlineMs);
    return mark;
  }

  async duoLog(
    { since, user }: { readonly since: string; readonly user: string },
    deadlineMs: number,
  ): Promise<readonly string[]> {
    return this.#readLog({ what: 'since', since, user }, deadlineMs);
  }

  async #readLog(question: DuoLogQuestion, deadlineMs: number): Promise<readonly string[]> {
    const result = await this.#root.run(duoLogScript(question), { deadline: this.#deadline(deadlineMs) });
    if (result.status !== 0) {
      throw new Failure(
        'exit',
        `reading the log of logins of ${this.#options.host} ended with status ${result.status}: ${printable(result.stderr)}`,
      );
    }
    return Buffer.from(result.output)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '');
  }

  close(): void {
    this.#root.close();
    this.#connection.close();
  }

  async #guardChannel(
    operation: string,
    tx: string,
    options: { readonly args: readonly string[]; readonly deadline: Deadline },
  ): Promise<ExecChannel> {
    const words = guardWords(operation, tx, options.args);
    return this.#connection.exec(rootCommand(this.#options.become, words), options.deadline);
  }

  #deadline(ms: number): Deadline {
    return deadlineIn(this.#options.timer, ms);
  }
}

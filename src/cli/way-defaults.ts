// What leads to the hosts besides the inventory: --jump, and ssh's own configuration as ssh itself reads it.
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { readConnection } from '../core/connection-settings.ts';
import type { InventoryHost } from '../core/inventory.ts';
import { printable } from '../core/printable.ts';
import { hostLinesMeaning } from '../core/ssh-config-scan.ts';
import {
  parseSshAnswer,
  parseSshFields,
  type Here,
  type SshAnswer,
  type SshFields,
  type SshQuestion,
} from '../core/ssh-answer.ts';
import { JUMPS_MAX } from '../core/jump-host.ts';
import { readVariablesOf } from '../core/variable-reader.ts';
import type { WayDefaults } from '../core/way.ts';
import { askSsh } from '../remote/ask-ssh.ts';
import type { ConnectOptions } from './options.ts';
import { scanSshConfigFiles, type SshConfigScan } from './ssh-config-files.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** ssh takes 12 ms for an answer, most of it to start. */
const ASKED_AT_ONCE = 8;
/** A round for the hosts, then one for each jump host before a jump host. */
const ROUNDS_MAX = JUMPS_MAX + 2;

/**
 * Finds out what ssh's configuration says of the hosts and of the jump hosts on their ways. ssh is asked for the hosts that
 * are meant only, once for those that its `Host` lines do not tell apart, and not at all where its files say nothing that
 * matters here.
 * @throws UsageError where there is a configuration and ssh cannot tell what it means
 */
export const wayDefaults = async (
  hosts: readonly InventoryHost[],
  { jumps, sshConfig }: Pick<ConnectOptions, 'jumps' | 'sshConfig'>,
  { account, env }: Pick<Surroundings, 'account' | 'env'>,
): Promise<WayDefaults> => {
  const plain: WayDefaults = { user: account, jumps };
  if (sshConfig === 'none') return plain;
  const here = hereOf(account, env);
  const file = sshConfig === 'usual' ? null : sshConfig.file;
  const scan = await scanSshConfigFiles(filesOf(file, here.home), here.home);
  if (!scan.matters) return plain;
  const book = new SshBook({ file, scan, here, env });
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const open: SshQuestion[] = [];
    const ssh = (question: SshQuestion): SshAnswer | null => {
      const answer = book.answer(question);
      if (answer === undefined) open.push(question);
      return answer ?? null;
    };
    for (const host of hosts) readConnection(readVariablesOf(host), { ...plain, ssh });
    if (open.length === 0) return { ...plain, ssh };
    await book.ask(open);
  }
  return { ...plain, ssh: (question) => book.answer(question) ?? null };
};

/** ssh takes the account's home from the account database, whatever HOME says (ssh.c, getpwuid). */
const hereOf = (account: string | null, env: Here['env']): Here => {
  const { uid, homedir } = account === null ? { uid: process.getuid?.() ?? 0, homedir: '/' } : userInfo();
  return { home: homedir, account, uid, hostName: hostname(), env };
};

const filesOf = (file: string | null, home: string) => {
  const folder = join(home, '.ssh');
  return file === null
    ? [
        { path: join(folder, 'config'), folder },
        { path: '/etc/ssh/ssh_config', folder: '/etc/ssh' },
      ]
    : [{ path: file, folder }];
};

interface BookOrder {
  /** In place of the usual files. */
  readonly file: string | null;
  readonly scan: SshConfigScan;
  readonly here: Here;
  readonly env: Here['env'];
}

/** What ssh has answered so far. */
class SshBook {
  readonly #order: BookOrder;
  readonly #answers = new Map<string, SshAnswer>();
  readonly #shared = new Map<string, SshFields>();
  #plain: SshFields | null = null;

  constructor(order: BookOrder) {
    this.#order = order;
  }

  answer(question: SshQuestion): SshAnswer | undefined {
    return this.#answers.get(keyOf(question));
  }

  /** @throws UsageError */
  async ask(questions: readonly SshQuestion[]): Promise<void> {
    this.#plain ??= await this.#fields({ host: 'localhost', user: null, port: null }, 'none');
    const limit = pLimit(ASKED_AT_ONCE);
    const different = new Map(questions.map((question) => [keyOf(question), question]));
    // First one host of each kind; then those for whom its answer does not stand.
    const firsts = new Map([...different.values()].map((question) => [this.#kindOf(question), question]));
    await Promise.all(
      [...firsts].map(async ([kind, question]) => limit(async () => this.#askFirst(kind, question))),
    );
    await Promise.all(
      [...different.values()].map(async (question) => {
        const shared = this.#shared.get(this.#kindOf(question));
        if (this.answer(question) !== undefined) return;
        if (shared === undefined) await limit(async () => this.#keep(question, await this.#fields(question)));
        else this.#keep(question, new Map([...shared, ['hostname', [question.host.toLowerCase()]]]));
      }),
    );
  }

  async #askFirst(kind: string, question: SshQuestion): Promise<void> {
    const fields = await this.#fields(question);
    this.#keep(question, fields);
    const [address] = fields.get('hostname') ?? [];
    const others = [...fields].filter(([keyword]) => keyword !== 'hostname' && keyword !== 'host');
    const name = question.host.toLowerCase();
    const isNamed = others.some(([, values]) => values.some((value) => value.toLowerCase().includes(name)));
    if (address === name && !isNamed) this.#shared.set(kind, fields);
  }

  /** Hosts of one kind have the same answer but for their own names in it. */
  #kindOf({ host, user, port }: SshQuestion): string {
    const { hostLines } = this.#order.scan;
    const meaning = hostLines === null ? `host ${host}` : hostLinesMeaning(host, hostLines);
    return JSON.stringify([meaning, user, port]);
  }

  #keep(question: SshQuestion, fields: SshFields): void {
    const { here } = this.#order;
    const answer = parseSshAnswer(fields, this.#plain ?? new Map(), { question, here });
    this.#answers.set(keyOf(question), answer);
  }

  async #fields(question: SshQuestion, config = this.#order.file): Promise<SshFields> {
    const reply = await askSsh(question, config, this.#order.env);
    switch (reply.kind) {
      case 'answer':
        return parseSshFields(reply.text);
      case 'absent':
        throw new UsageError(
          'there is a configuration for ssh (~/.ssh/config or /etc/ssh/ssh_config), and no ssh to say what it means: install openssh-client, or leave it out with --ssh-config none',
        );
      case 'failed':
        throw new UsageError(
          `ssh -G ${question.host}: ${printable(reply.why)}: correct ssh's configuration, or leave it out with --ssh-config none`,
        );
      default:
        return reply satisfies never;
    }
  }
}

const keyOf = ({ host, user, port }: SshQuestion): string => JSON.stringify([host, user, port]);

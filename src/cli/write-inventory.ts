// `init`: asks, checks each answer as an inventory would be checked, and writes the file.
import { lstat, writeFile } from 'node:fs/promises';
import { printable } from '../core/printable.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import type { Ending } from './ending.ts';
import {
  complaintAbout,
  doubtsAbout,
  INIT_QUESTIONS,
  inventoryText,
  isAsked,
  NONE,
  type InitAnswers,
  type InitQuestion,
} from './init-questions.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

const INVENTORY_MODE = 0o640;
/** Whoever is asked so often does not know the answer. */
const TRIES_MAX = 5;

/**
 * Writes a new inventory from what it is told; an existing file is never touched.
 * @param path absolute
 * @throws UsageError where there is nobody to ask, no good answer, or a file of that name
 */
export const writeInventory = async (path: string, surroundings: Surroundings): Promise<Ending> => {
  const { ask, stderr, stdout } = surroundings;
  if (ask === null) {
    throw new UsageError(
      'init asks questions, and there is no terminal to ask on: copy inventory/example.yml, which explains every variable',
    );
  }
  if (await isThere(path)) throw new UsageError(thereAlready(path));
  let answers: Partial<InitAnswers> = {};
  for (const question of INIT_QUESTIONS) {
    if (!isAsked(question, answers)) continue;
    // oxlint-disable-next-line no-await-in-loop -- one question after another
    const answer = await answerTo(question, answers, { ask, stderr });
    if (answer === null) {
      // oxlint-disable-next-line no-await-in-loop
      await stderr.write('Nothing was written.\n');
      return { exitCode: 130, endNow: false };
    }
    answers = { ...answers, [question.name]: answer };
  }
  await write(path, inventoryText({ ...NOT_ASKED, ...answers }));
  await stdout.write(nextSteps(path, answers));
  return { exitCode: 0, endNow: false };
};

/** What a question that was passed over would have been answered with; none of it is written. */
const NOT_ASKED: InitAnswers = {
  hosts: '',
  ansible_user: '',
  ansible_ssh_private_key_file: '',
  duo_ikey: '',
  duo_api_host: '',
  duo_skey: '',
  ad_server_access_group: '',
  ad_sudo_group: '',
  break_glass_user: NONE,
  pbr_admin_allowed_sources: '',
  duo_failmode: '',
};

/** `null` on Ctrl-C. */
const answerTo = async (
  { name, text, usual }: InitQuestion,
  answers: Partial<InitAnswers>,
  {
    ask,
    stderr,
  }: { readonly ask: NonNullable<Surroundings['ask']>; readonly stderr: Surroundings['stderr'] },
): Promise<string | null> => {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    // oxlint-disable-next-line no-await-in-loop -- asked again only after a bad answer
    const typed = await ask(`${text}\n  ${name}${usual === '' ? '' : ` [${usual}]`}: `);
    if (typed === 'interrupted') return null;
    const answer = typed.trim() || usual;
    const complaint = complaintAbout(name, answer, answers);
    if (complaint === null) {
      const doubts = doubtsAbout(name, answer).map((doubt) => `  warning: ${printable(doubt)}\n`);
      // oxlint-disable-next-line no-await-in-loop
      await stderr.write(doubts.join(''));
      return answer;
    }
    // oxlint-disable-next-line no-await-in-loop
    await stderr.write(`  ${printable(complaint)}\n`);
  }
  throw new UsageError(
    `no good answer for ${name}: nothing was written; inventory/example.yml explains every variable`,
  );
};

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const thereAlready = (path: string): string =>
  `${path} is there already, and is left as it is: name another file (duo-fleet init FILE)`;

const write = async (path: string, text: string): Promise<void> => {
  try {
    await writeFile(path, text, { flag: 'wx', mode: INVENTORY_MODE });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw new UsageError(thereAlready(path));
    throw new UsageError(
      `${path} could not be written: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  }
};

const nextSteps = (path: string, { duo_skey: skey = '' }: Partial<InitAnswers>): string => {
  const variable = /^env:(.+)$/.exec(skey)?.[1];
  return [
    `Wrote ${path}. Next:`,
    ...(variable === undefined
      ? []
      : [`  read -rs ${variable} && export ${variable}     # the Duo secret key`]),
    `  ${shellCommand(['duo-fleet', 'plan', path])}`,
    `  ${shellCommand(['duo-fleet', 'apply', path])}`,
    '',
  ].join('\n');
};

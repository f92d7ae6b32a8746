// What can stand at the cursor of a command line.
import type { Inventory } from '../core/inventory.ts';
import { COMMAND_NAMES, COMMANDS } from './commands.ts';
import { WORDS } from './flag-reader.ts';
import { SECRET_ACTIONS } from './secret-options.ts';
import { FLAGS, SHELLS, type CommandName, type Completed } from './flags.ts';

/** One word that fits; the description is '' where there is nothing to say. */
export interface Candidate {
  readonly value: string;
  readonly text: string;
}

/** What is asked for, by what was typed so far; `kind` of words that come from outside. */
export interface Wanted {
  readonly kind: Completed | 'listed' | 'nothing';
  readonly candidates: readonly Candidate[];
  /** Of the word at the cursor, what stays before every candidate. */
  readonly before: string;
  /** The rest of it, with which candidates begin. */
  readonly begun: string;
  /** The inventory that the line names. */
  readonly inventory: string | null;
}

const candidate = (value: string, text = ''): Candidate => ({ value, text });

/** @param words all behind the program's name; the last one is under the cursor, '' where it has not been begun */
export const wantedAt = (words: readonly string[]): Wanted => {
  const current = words.at(-1) ?? '';
  const line = readLine(words.slice(0, -1));
  const wanted = { candidates: [], before: '', begun: current, inventory: line.inventory };
  if (line.command === null && line.isWordGiven) return { ...wanted, kind: 'nothing' };
  if (line.command === null) {
    const candidates = current.startsWith('-')
      ? [candidate('--help'), candidate('--version')]
      : COMMAND_NAMES.map((name) => candidate(name, describe(name)));
    return { ...wanted, kind: 'listed', candidates };
  }
  if (line.open !== null) return valueOf(line.open, wanted);
  const [, name, rest] = /^--([^=]+)=(.*)$/s.exec(current) ?? [];
  if (name !== undefined && rest !== undefined) {
    return valueOf(name, { ...wanted, before: `--${name}=`, begun: rest });
  }
  if (current.startsWith('-')) return { ...wanted, kind: 'listed', candidates: flagsFor(line.command) };
  return line.isWordGiven ? { ...wanted, kind: 'nothing' } : theWord(line.command, wanted);
};

interface Line {
  readonly command: CommandName | null;
  readonly inventory: string | null;
  /** There is a word already where one could be: behind the command, or in its place. */
  readonly isWordGiven: boolean;
  /** A flag whose value is under the cursor. */
  readonly open: string | null;
}

const readLine = (typed: readonly string[]): Line => {
  const words: string[] = [];
  const inventories: string[] = [];
  let open: string | null = null;
  for (const each of typed) {
    if (open !== null) {
      if (open === 'inventory-file') inventories.push(each);
      open = null;
    } else if (each.startsWith('-')) {
      const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(each) ?? [];
      const flag = name === '' ? named(each.slice(1)) : flagOf(name);
      if (value === undefined && FLAGS[flag]?.requiresArg === true) open = flag;
      if (flag === 'inventory-file' && value !== undefined) inventories.push(value);
    } else words.push(each);
  }
  const [first, word] = words;
  const command = COMMAND_NAMES.find((name) => name === first) ?? null;
  const isInventory = command !== null && WORDS[command] === undefined;
  const paths = [...(isInventory && word !== undefined ? [word] : []), ...inventories].join(',');
  return {
    command,
    inventory: paths === '' ? null : paths,
    isWordGiven: words.length > (command === null ? 0 : 1),
    open,
  };
};

/** --inventory is a name that people type, and another one in the table. */
const flagOf = (name: string): string => (name === 'inventory' ? 'inventory-file' : name);
const typedAs = (flag: string): string => (flag === 'inventory-file' ? 'inventory' : flag);

/** The flag that has this letter, or ''. */
const named = (letter: string): string =>
  Object.entries(FLAGS).find(([, flag]) => flag.alias === letter)?.[0] ?? '';

const describe = (name: CommandName): string => {
  const { describe: text } = COMMANDS[name](() => undefined);
  return typeof text === 'string' ? text : '';
};

const flagsFor = (command: CommandName): readonly Candidate[] => [
  ...Object.entries(FLAGS)
    .filter(([, flag]) => flag.commands.includes(command))
    .map(([name, flag]) => candidate(`--${typedAs(name)}`, flag.describe)),
  candidate('--help'),
];

type Rest = Omit<Wanted, 'kind'>;

const valueOf = (name: string, wanted: Rest): Wanted => {
  const takes = FLAGS[flagOf(name)]?.takes;
  if (takes === undefined) return { ...wanted, kind: 'nothing' };
  if (typeof takes !== 'string') {
    return { ...wanted, kind: 'listed', candidates: takes.map((value) => candidate(value)) };
  }
  // Of a pattern, the part that is begun: web*:!db1:we
  const parted = { host: /^.*,/s, pattern: /^(?:.*[,:])?[!&]?/s, group: /^/, run: /^/, file: /^/ }[takes];
  const [start = ''] = parted.exec(wanted.begun) ?? [];
  return {
    ...wanted,
    kind: takes,
    before: `${wanted.before}${start}`,
    begun: wanted.begun.slice(start.length),
  };
};

const theWord = (command: CommandName, wanted: Rest): Wanted => {
  const [word = ''] = WORDS[command] ?? ['inventory'];
  switch (word) {
    case 'run':
      return { ...wanted, kind: 'run' };
    case 'shell':
      return { ...wanted, kind: 'listed', candidates: SHELLS.map((shell) => candidate(shell)) };
    case 'action':
      return { ...wanted, kind: 'listed', candidates: SECRET_ACTIONS.map((action) => candidate(action)) };
    case '':
      return { ...wanted, kind: 'nothing' };
    default:
      return { ...wanted, kind: 'file' };
  }
};

/** A shell takes a candidate as it is: names with anything in them that it would read otherwise are left out. */
const PLAIN = /^[\p{L}\p{N}_.@:+-]+$/u;

/** The names of an inventory's hosts, of its groups, or of both: what a pattern is made of. */
export const namesIn = (
  { hosts, groups }: Inventory,
  kind: 'host' | 'pattern' | 'group',
): readonly Candidate[] =>
  [
    ...(kind === 'group' ? [] : hosts.map(({ name }) => candidate(name))),
    ...(kind === 'host'
      ? []
      : [...groups.values()].map((group) =>
          candidate(
            group.name,
            `group of ${group.hosts.length} ${group.hosts.length === 1 ? 'host' : 'hosts'}`,
          ),
        )),
  ].filter(({ value }) => PLAIN.test(value));

/** The lines of an answer: a word, and behind a tab what it means. */
export const answerLines = (
  candidates: readonly Candidate[],
  { before, begun }: Pick<Wanted, 'before' | 'begun'>,
): string =>
  candidates
    .filter(({ value }) => value.startsWith(begun))
    .map(({ value, text }) => `${before}${value}${text === '' ? '' : `\t${text}`}\n`)
    .join('');

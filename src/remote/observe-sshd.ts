// sshd's version, effective settings and units, out of observe.sh's answer.
import type { SshdFacts } from '../core/facts.ts';
import { printable } from '../core/printable.ts';
import {
  malformed,
  all,
  allFor,
  only,
  onlyFor,
  type Section,
  type Sections,
  utf8,
} from './observe-sections.ts';
import { readPeople } from './observe-people.ts';
import { wanted } from './observe-wanted.ts';

type Effective = Readonly<Record<string, readonly string[]>>;

const readEffective = (section: Section): { readonly settings: Effective } | { readonly error: string } => {
  // A lone + or - is ours: sshd prints a keyword with at least one value a line.
  const end = section.lines.findIndex((line) => line === '+' || line === '-');
  if (end === -1) throw malformed('whether sshd -T succeeded');
  if (section.lines[end] === '-') {
    const words = printable(utf8(section.lines.slice(end + 1).join('\n')));
    return { error: words === '' ? 'sshd -T failed without a word' : words };
  }
  const settings: Record<string, string[]> = Object.create(null);
  for (const line of section.lines.slice(0, end).map(utf8)) {
    const [keyword = ''] = line.split(' ', 1);
    (settings[keyword.toLowerCase()] ??= []).push(line.slice(keyword.length + 1));
  }
  return { settings };
};

const unique = (words: readonly string[]): readonly string[] => [...new Set(words)];

interface Unit {
  readonly id: string;
  readonly loaded: boolean;
  readonly active: boolean;
  readonly commands: readonly string[];
  readonly environment: readonly string[];
  readonly environmentFiles: readonly string[];
}

/** `systemctl show`: one block of `Name=value` lines a unit, blocks apart by an empty line. An alias shows its target. */
const readUnits = (section: Section): readonly Unit[] =>
  section.lines
    .join('\n')
    .split('\n\n')
    .map((block) => {
      const each = (name: string): readonly string[] =>
        block
          .split('\n')
          .filter((line) => line.startsWith(`${name}=`) && line.length > name.length + 1)
          .map((line) => utf8(line.slice(name.length + 1)));
      const values = new Map(
        block.split('\n').map((line) => [line.split('=', 1)[0], line.replace(/^[^=]*=/, '')]),
      );
      return {
        id: utf8(values.get('Id') ?? ''),
        loaded: values.get('LoadState') === 'loaded',
        // While it reloads it serves, and a socket that listens is active.
        active: ['active', 'reloading'].includes(values.get('ActiveState') ?? ''),
        commands: each('ExecStart').map(commandOf),
        environment: each('Environment'),
        environmentFiles: each('EnvironmentFiles').map((text) => text.replace(/ \(ignore_errors=\w+\)$/, '')),
      };
    })
    .filter(({ loaded }) => loaded);

/** `{ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D ; ignore_errors=no ; ... }` -> `/usr/sbin/sshd -D`. */
const commandOf = (text: string): string => {
  // Looked for, and not matched: a host's own unit must not make that a search from every place in it.
  const [, rest] = text.split(ARGV, 2);
  const end = rest?.indexOf(' ; ') ?? -1;
  return rest === undefined || end < 0 ? text : rest.slice(0, end);
};
const ARGV = ' argv[]=';

/** Whom the labels stand for: the host's choice for the personas. */
const readUsers = (sections: Sections): SshdFacts['users'] =>
  Object.fromEntries(readPeople(sections).users.map(({ label, name }) => [label, name]));

/** Facts about sshd. When one connection's settings cannot be had, none are shown: half an answer would mislead. */
export const readSshd = (sections: Sections): SshdFacts => {
  const effective: Record<string, Effective> = Object.create(null);
  const errors: string[] = [];
  for (const [index, label] of wanted(sections, 'connection').entries()) {
    const answer = readEffective(onlyFor(sections, 'sshd', String(index)));
    if ('error' in answer) errors.push(answer.error);
    else effective[label] = answer.settings;
  }
  for (const { label } of readPeople(sections).users) {
    const [section] = allFor(sections, 'sshd', label);
    if (section === undefined) continue;
    const answer = readEffective(section);
    if ('error' in answer) errors.push(answer.error);
    else effective[label] = answer.settings;
  }
  const units = readUnits(
    all(sections, 'units')[0] ?? { words: '', lines: [], complete: true, binary: false },
  );
  // ssh@.service is one for each connection of a socket; it tells how that is started, not what serves.
  const services = units.filter(({ id }) => id.endsWith('.service') && !id.includes('@'));
  const service = services.find(({ active }) => active) ?? services[0];
  return {
    version: /^\d+(?:\.\d+)*/.exec(only(sections, 'ssh-version').lines[0] ?? '')?.[0] ?? '',
    effective: errors.length > 0 ? {} : effective,
    error: errors[0] ?? '',
    users: readUsers(sections),
    unit: (service?.id ?? '').replace(/\.service$/, ''),
    serviceActive: service?.active ?? false,
    socketActive: units.some(({ id, active }) => id.endsWith('.socket') && active),
    start: {
      commands: unique(units.flatMap(({ commands }) => commands)),
      environment: unique(units.flatMap(({ environment }) => environment)),
      environmentFiles: unique(units.flatMap(({ environmentFiles }) => environmentFiles)),
    },
  };
};

// Ansible's INI inventory: [group], [group:children], [group:vars].
// Source: ansible lib/ansible/plugins/inventory/ini.py; words are Python's shlex.split(line, comments=True).
import { expandHosts } from './host-range.ts';
import {
  addChild,
  addGroup,
  addHost,
  errorAt,
  isGroupName,
  setGroupVariable,
  type GroupDraft,
  type InventoryDraft,
} from './inventory-groups.ts';
import type { Place, Variable, VariableValue } from './inventory.ts';
import { didYouMean } from './nearest-name.ts';
import { pythonLiteral } from './python-literal.ts';
import { Secret } from './secret.ts';
import { indexSource, type SourceText } from './source-text.ts';
import { isSecretName } from './variables.ts';

/** A file longer than this, in characters, is not read. */
const INI_TEXT_MAX = 64 * 1024 * 1024;
const KINDS = ['hosts', 'children', 'vars'] as const;

interface Word {
  readonly text: string;
  /** Offset in the line. */
  readonly at: number;
}

/** A group that is named, and must be declared by a section of its own somewhere in the file. */
interface Pending {
  readonly place: Place;
  /** Those whose child it is to be. */
  readonly parents: GroupDraft[];
}

interface Reading {
  readonly draft: InventoryDraft;
  readonly source: SourceText;
  readonly pending: Map<string, Pending>;
  /** Secret or not, by name: asked for thousands of times. */
  readonly secretNames: Map<string, boolean>;
  group: GroupDraft;
  /** `null`: what follows a section that is none is not looked at. */
  kind: (typeof KINDS)[number] | null;
}

/** Whether a file is an INI inventory: by its name, else by its first line that says something. */
export const isIniInventory = (file: string, text: string): boolean => {
  if (/\.(?:ya?ml|json)$/i.test(file)) return false;
  if (/\.ini$/i.test(file)) return true;
  const first =
    text
      .split('\n')
      .find((line) => !/^\s*(?:[#;]|$)/.test(line))
      ?.trim() ?? '';
  return !(
    first.startsWith('---') ||
    first.startsWith('{') ||
    /^[^=\s]+:(?:\s|$)/.test(first) ||
    first === ''
  );
};

/** Reads an INI inventory into a draft. Hosts before the first section belong to no group. */
export const readIniInventory = (draft: InventoryDraft, file: string, text: string): void => {
  const source = indexSource(file, text.length > INI_TEXT_MAX ? '' : text);
  const ungrouped = addGroup(draft, 'ungrouped', source.placeAt(0));
  const reading: Reading = {
    draft,
    source,
    pending: new Map(),
    secretNames: new Map(),
    group: ungrouped,
    kind: 'hosts',
  };
  if (text.length > INI_TEXT_MAX) complain(reading, 0, `the file is longer than ${INI_TEXT_MAX} characters`);
  let offset = text.startsWith('\uFEFF') ? 1 : 0;
  for (const whole of source.text.slice(offset).split('\n')) {
    const line = whole.trim();
    const at = offset + whole.length - whole.trimStart().length;
    offset += whole.length + 1;
    if (line !== '') readLine(reading, line, at);
  }
  for (const [name, { place, parents }] of reading.pending) {
    const sections = `[${name}] or [${name}:children]`;
    const known = [...draft.groups.keys()].filter((each) => each !== name);
    const message = parents.length > 0 ? `there is no group ${name}` : `[${name}:vars] is of no group`;
    draft.diagnostics.push(
      errorAt(place, message, `${didYouMean(name, known)}A group needs a section ${sections}.`),
    );
  }
};

const complain = (reading: Reading, offset: number, message: string, remedy = ''): void => {
  reading.draft.diagnostics.push(errorAt(reading.source.placeAt(offset), message, remedy));
};

const readLine = (reading: Reading, line: string, offset: number): void => {
  const control = /[^\P{Cc}\t]|[\p{Zl}\p{Zp}]/u.exec(line);
  if (control !== null) {
    // Python ends a line at some of them, and other programs do not.
    complain(reading, offset + control.index, 'a control character, or a line break of another kind');
    return;
  }
  if (line.startsWith('#') || line.startsWith(';')) return;
  if (/^\[[^:\]\s]+(?::\w+)?\]\s*(?:#.*)?$/.test(line) || (line.startsWith('[') && line.endsWith(']'))) {
    readSection(reading, line, offset);
  } else if (reading.kind === 'hosts') readHosts(reading, line, offset);
  else if (reading.kind === 'children') readChild(reading, line, offset);
  else if (reading.kind === 'vars') readVariable(reading, line, offset);
};

const readSection = (reading: Reading, line: string, offset: number): void => {
  const { draft, source, pending } = reading;
  const [, name, kindText] = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/.exec(line) ?? [];
  const kind = kindText === undefined ? 'hosts' : KINDS.find((known) => known === kindText);
  if (name === undefined || kind === undefined || !isGroupName(name)) {
    const remedy = `${didYouMean(kindText ?? '', KINDS)}Write [group], [group:children] or [group:vars].`;
    complain(reading, offset, 'this is no section', remedy);
    reading.kind = null;
    return;
  }
  const place = source.placeAt(offset);
  const isNew = !draft.groups.has(name);
  reading.group = addGroup(draft, name, place);
  reading.kind = kind;
  if (kind !== 'vars') {
    // Only now does it take its place among its parents' children: that is the order of Ansible's hosts.
    for (const parent of pending.get(name)?.parents ?? []) addChild(parent, reading.group);
    pending.delete(name);
  } else if (isNew && !pending.has(name)) pending.set(name, { place, parents: [] });
};

/** Words of a host's line: blanks part them, quotes hold them together, # ends the line; `null`: they cannot be told apart. */
const wordsOf = (line: string): readonly Word[] | null => {
  const words: Word[] = [];
  const form = /[ \t]*((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^ \t"'\\#])+)|(?:^|[ \t]+)#.*$|[ \t]+$/gy;
  let at = 0;
  while (at < line.length) {
    form.lastIndex = at;
    const match = form.exec(line);
    if (match === null) return null;
    at = form.lastIndex;
    const raw = match[1];
    if (raw === undefined) continue;
    const text = raw.replaceAll(
      /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
      (_all, double?: string, single?: string, one?: string) =>
        double === undefined ? (single ?? one ?? '') : double.replaceAll(/\\(["\\])/g, '$1'),
    );
    words.push({ text, at: at - raw.length });
  }
  return words;
};

interface Assignment {
  readonly name: string;
  readonly text: string;
  /** Offsets in the file. */
  readonly nameAt: number;
  readonly textAt: number;
}

const variableOf = (reading: Reading, { name, text, nameAt, textAt }: Assignment): Variable => {
  const { source, secretNames } = reading;
  const read = pythonLiteral(text);
  if (read.kind === 'odd') {
    complain(
      reading,
      textAt,
      `Python reads this as ${read.what}`,
      'Put it into quotes within quotes: "\'...\'".',
    );
  }
  const value: VariableValue = read.kind === 'value' ? read.value : text;
  const secret = secretNames.get(name) ?? isSecretName(name);
  secretNames.set(name, secret);
  const isSecret = secret && value !== null;
  const number = typeof value === 'number' || typeof value === 'boolean';
  const place = source.placeAt(textAt);
  return {
    name,
    value: isSecret ? new Secret(typeof value === 'string' ? value : text) : value,
    written: number && !isSecret ? text : null,
    keyPlace: source.placeAt(nameAt),
    place,
    items: Array.isArray(value) ? value.map(() => place) : [],
  };
};

const readHosts = (reading: Reading, line: string, offset: number): void => {
  const words = wordsOf(line);
  if (words === null) {
    complain(reading, offset, 'a quote is not closed, or a # stands in a value without quotes');
    return;
  }
  const [first, ...rest] = words;
  if (first === undefined) return;
  const expanded = expandHosts(first.text);
  if (!expanded.ok) {
    complain(reading, offset + first.at, `this is no host: ${expanded.message}`);
    return;
  }
  const variables: Variable[] = [];
  for (const word of rest) {
    const [, name, text = ''] = /^([^=]+)=(.*)$/s.exec(word.text) ?? [];
    const nameAt = offset + word.at;
    if (name === undefined) {
      const message = 'after a host stand variables only, as name=value';
      complain(reading, nameAt, message, 'Put a value with blanks into quotes.');
      continue;
    }
    variables.push(variableOf(reading, { name, text, nameAt, textAt: nameAt + name.length + 1 }));
  }
  const place = reading.source.placeAt(offset + first.at);
  for (const name of expanded.names) {
    const { port } = expanded;
    if (!addHost(reading.draft, reading.group, { name, place, port, variables })) return;
  }
};

/** A child may be declared later, by a section of its own. */
const readChild = (reading: Reading, line: string, offset: number): void => {
  const { draft, source, pending, group } = reading;
  const name = /^([^:\]\s]+)\s*(?:#.*)?$/.exec(line)?.[1];
  if (name === undefined || !isGroupName(name)) {
    complain(
      reading,
      offset,
      'below [group:children] stands the name of a group, and nothing else on its line',
    );
    return;
  }
  const child = draft.groups.get(name);
  if (child !== undefined) {
    addChild(group, child);
    return;
  }
  const waiting = pending.get(name) ?? { place: source.placeAt(offset), parents: [] };
  waiting.parents.push(group);
  pending.set(name, waiting);
};

const readVariable = (reading: Reading, line: string, offset: number): void => {
  const [, name, gap, text = ''] = /^([^=\s]+)(\s*=\s*)(.*)$/s.exec(line) ?? [];
  if (name === undefined || gap === undefined) {
    complain(reading, offset, 'a variable is written name=value');
    return;
  }
  const textAt = offset + name.length + gap.length;
  setGroupVariable(reading.draft, reading.group, variableOf(reading, { name, text, nameAt: offset, textAt }));
};

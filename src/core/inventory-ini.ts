// Ansible's INI inventory: [group], [group:children], [group:vars].
// Source: ansible lib/ansible/plugins/inventory/ini.py.
import { expandHosts } from './host-range.ts';
import {
  addChild,
  addGroup,
  addHost,
  errorAt,
  INVENTORY_HOSTS_MAX,
  type InventoryDraft,
} from './inventory-groups.ts';
import type { Place, Variable, VariableValue } from './inventory.ts';
import { didYouMean } from './nearest-name.ts';
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

/** Words of a host's line: blanks part them, quotes hold them together, # ends the line; `null`: they cannot be told apart. */
const wordsOf = (line: string): readonly Word[] | null => {
  const words: Word[] = [];
  const form = /\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\#])+)|(?:^|\s+)#.*$|\s+$/gy;
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

/** A value as Python's literal_eval reads it, where that is simple: a number, True, False, None, a text, a list of texts. */
const literal = (text: string): VariableValue => {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) return Number(text);
  if (text === 'True' || text === 'False') return text === 'True';
  if (text === 'None') return null;
  const quoted = /^(["'])((?:(?!\1)[^\\])*)\1$/.exec(text);
  if (quoted !== null) return quoted[2] ?? '';
  const list = /^\[\s*((?:(?:"[^"]*"|'[^']*')\s*(?:,\s*)?)*)\]$/.exec(text);
  if (list === null) return text;
  return ((list[1] ?? '').match(/"[^"]*"|'[^']*'/g) ?? []).map((item) => item.slice(1, -1));
};

const variableOf = (
  name: string,
  text: string,
  places: { readonly key: Place; readonly value: Place },
): Variable => {
  const value = literal(text);
  const secret = isSecretName(name) && value !== null;
  const number = typeof value === 'number' || typeof value === 'boolean';
  return {
    name,
    value: secret ? new Secret(typeof value === 'string' ? value : text) : value,
    written: number && !secret ? text : null,
    keyPlace: places.key,
    place: places.value,
    items: Array.isArray(value) ? value.map(() => places.value) : [],
  };
};

interface Reading {
  readonly draft: InventoryDraft;
  readonly source: SourceText;
  group: string;
  kind: (typeof KINDS)[number];
}

const complain = (reading: Reading, offset: number, message: string, remedy = ''): void => {
  reading.draft.diagnostics.push(errorAt(reading.source.placeAt(offset), message, remedy));
};

const readSection = (reading: Reading, line: string, offset: number): void => {
  const [, name, kindText] = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?$/.exec(line) ?? [];
  const kind = kindText === undefined ? 'hosts' : KINDS.find((known) => known === kindText);
  if (name === undefined || kind === undefined || !/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(name)) {
    const remedy = `${didYouMean(kindText ?? '', KINDS)}Write [group], [group:children] or [group:vars].`;
    complain(reading, offset, 'this is no section', remedy);
    return;
  }
  reading.group = name;
  reading.kind = kind;
  addGroup(reading.draft, name, reading.source.placeAt(offset));
};

const readHosts = (reading: Reading, line: string, offset: number): void => {
  const words = wordsOf(line);
  if (words === null) {
    complain(reading, offset, 'a quote is not closed, or a # stands in a value without quotes');
    return;
  }
  const [first, ...rest] = words;
  if (first === undefined) return;
  const place = reading.source.placeAt(offset + first.at);
  const expanded = expandHosts(first.text);
  if (!expanded.ok) {
    complain(reading, offset + first.at, `this is no host: ${expanded.message}`);
    return;
  }
  const variables: Variable[] = [];
  if (expanded.port !== null)
    variables.push(variableOf('ansible_port', String(expanded.port), { key: place, value: place }));
  for (const word of rest) {
    const [, key, value = ''] = /^([^=]+)=(.*)$/s.exec(word.text) ?? [];
    const at = offset + word.at;
    if (key === undefined) {
      complain(
        reading,
        at,
        'after a host stand variables only, as name=value',
        'Put a value with blanks into quotes.',
      );
      continue;
    }
    const places = { key: reading.source.placeAt(at), value: reading.source.placeAt(at + key.length + 1) };
    variables.push(variableOf(key, value, places));
  }
  for (const name of expanded.names) {
    const host = addHost(reading.draft, reading.group, { name, place });
    if (host === null) {
      complain(reading, offset, `the inventory has more than ${INVENTORY_HOSTS_MAX} hosts`);
      return;
    }
    for (const variable of variables) host.variables.set(variable.name, variable);
  }
};

const readGroupLine = (reading: Reading, line: string, offset: number): void => {
  const { draft, source, group } = reading;
  const parent = addGroup(draft, group, source.placeAt(offset));
  if (reading.kind === 'children') {
    const [name = ''] = line.split(/\s+[#;]/);
    addChild(parent, addGroup(draft, name.trim(), source.placeAt(offset)));
    return;
  }
  const [, key, gap, value = ''] = /^([^=\s]+)(\s*=\s*)(.*)$/s.exec(line) ?? [];
  if (key === undefined || gap === undefined) {
    complain(reading, offset, 'a variable is written name=value');
    return;
  }
  const places = { key: source.placeAt(offset), value: source.placeAt(offset + key.length + gap.length) };
  parent.variables.set(key, variableOf(key, value, places));
};

/** Reads an INI inventory into a draft. Hosts before the first section belong to no group. */
export const readIniInventory = (draft: InventoryDraft, file: string, text: string): void => {
  const source = indexSource(file, text.length > INI_TEXT_MAX ? '' : text);
  const reading: Reading = { draft, source, group: 'ungrouped', kind: 'hosts' };
  if (text.length > INI_TEXT_MAX) complain(reading, 0, `the file is longer than ${INI_TEXT_MAX} characters`);
  let offset = text.startsWith('\uFEFF') ? 1 : 0;
  for (const whole of source.text.slice(offset).split('\n')) {
    const line = whole.trim();
    const at = offset + whole.length - whole.trimStart().length;
    offset += whole.length + 1;
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[') && /^\[[^\]]*\]\s*(?:[#;].*)?$/.test(line)) readSection(reading, line, at);
    else if (reading.kind === 'hosts') readHosts(reading, line, at);
    else readGroupLine(reading, line, at);
  }
};

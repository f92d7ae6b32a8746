// Reads YAML 1.1 as PyYAML does, keeping places; every mistake becomes a Diagnostic in our own words.
// The parser's own messages are not shown: they quote what they choke on, and that may be a secret.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type ErrorCode,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { errorAt } from './inventory-groups.ts';
import { VAULTED, type Place, type VariableValue } from './inventory.ts';
import { indexSource, type SourceText } from './source-text.ts';
import { yamlScalar } from './yaml-scalar.ts';

/** A file longer than this, in characters, is not read. */
export const YAML_TEXT_MAX = 64 * 1024 * 1024;
/** Values nested deeper than this, or aliases that grow to more nodes than this, are refused. */
const DEPTH_MAX = 32;
const ALIAS_NODES_MAX = 500_000;

export interface YamlTree {
  readonly source: SourceText;
  readonly document: Document.Parsed;
  /** Ansible reads a file as JSON where it can: numbers are JSON's then. */
  readonly isJson: boolean;
  readonly diagnostics: Diagnostic[];
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
  /** Nodes seen through aliases so far. */
  readonly budget: { aliasNodes: number };
}

export interface YamlEntry {
  readonly key: string;
  readonly keyPlace: Place;
  readonly node: Node | null;
  /** Of the value; the key's when there is none. */
  readonly place: Place;
}

const unknownTag = {
  message: 'a tag (a word that begins with !) that this program does not know',
  remedy: 'Where the ! belongs to the value, put the value in quotes.',
};
/** Tags of Ansible's own: an encrypted value, and a text that is no template. */
const VAULT_TAGS: ReadonlySet<string> = new Set(['!vault', '!vault-encrypted']);
const KNOWN_TAGS: ReadonlySet<string> = new Set([...VAULT_TAGS, '!unsafe']);

const sentences: Partial<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias (*name) takes no anchor and no tag',
  BAD_ALIAS:
    'an alias (*name) of an anchor that is not there; where the * belongs to the value, it needs quotes',
  BAD_DIRECTIVE: 'a %-directive that is none',
  BAD_DQ_ESCAPE: 'a backslash in double quotes that is no escape; single quotes take it as it is',
  BAD_INDENT: 'the indentation is wrong',
  BAD_SCALAR_START: 'a plain value must not begin with this sign; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key:" on one line; a value with ": " in it needs quotes',
  BLOCK_IN_FLOW: 'an indented block inside brackets',
  MISSING_CHAR: 'a quote, bracket, comma, colon or space is missing',
  MULTILINE_IMPLICIT_KEY:
    'a key over more than one line; most often a colon is missing, or a quote is not closed',
  MULTIPLE_DOCS: 'a second document (---) in one file',
  TAB_AS_INDENT: 'a tab in the indentation; YAML takes spaces only',
  UNEXPECTED_TOKEN: 'something stands here that does not belong here',
};

const notYaml = (place: Place, code: ErrorCode): Diagnostic =>
  errorAt(place, `this is not valid YAML: ${sentences[code] ?? 'it cannot be read'}`);

/** What each alias stands for: the last anchor of its name before it. One walk: the parser's own way is one for each. */
const aliasTargets = (
  document: Document.Parsed,
): { readonly targets: ReadonlyMap<Alias, Node>; readonly lost: readonly Alias[] } => {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const lost: Alias[] = [];
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target === undefined) lost.push(node);
        else targets.set(node, target);
      } else if (node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return { targets, lost };
};

const isJsonText = (text: string): boolean => {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Whatever JSON.parse throws at, the YAML parser tells with its place.
    return false;
  }
};

/** Parses a file; what is wrong with its YAML is in `diagnostics`, and the tree must then not be used. */
export const parseYaml = (file: string, text: string): YamlTree | readonly Diagnostic[] => {
  const source = indexSource(file, text.length > YAML_TEXT_MAX ? '' : text);
  if (text.length > YAML_TEXT_MAX) {
    return [errorAt(source.placeAt(0), `the file is longer than ${YAML_TEXT_MAX} characters`)];
  }
  const isJson = isJsonText(text);
  let document: Document.Parsed;
  try {
    // uniqueKeys is looked after in entriesOf: the parser's own check takes two seconds for 10,000 hosts.
    // Tabs are blanks to JSON, and nothing but trouble to YAML.
    const given = isJson ? text.replaceAll('\t', ' ') : text;
    document = parseDocument(given, { version: '1.1', uniqueKeys: false, prettyErrors: false });
  } catch (thrown) {
    // The parser recurses; only a hostile file nests deep enough to exhaust the stack.
    if (thrown instanceof RangeError) return [errorAt(source.placeAt(0), 'the file is nested too deep')];
    throw thrown;
  }
  const problems = [...document.errors, ...document.warnings].flatMap(({ pos, code }) => {
    const place = source.placeAt(pos[0]);
    if (code !== 'TAG_RESOLVE_FAILED') return [notYaml(place, code)];
    const isKnown = KNOWN_TAGS.has(text.slice(pos[0], pos[1]));
    return isKnown ? [] : [errorAt(place, unknownTag.message, unknownTag.remedy)];
  });
  const { targets, lost } = isJson ? { targets: new Map<Alias, Node>(), lost: [] } : aliasTargets(document);
  for (const alias of lost) problems.push(notYaml(source.placeAt(alias.range?.[0] ?? 0), 'BAD_ALIAS'));
  if (problems.length > 0) return problems;
  return { source, document, isJson, diagnostics: [], targets, budget: { aliasNodes: 0 } };
};

/** The node that an alias stands for, the node itself otherwise; `null` when a hostile file exceeds the limits. */
const resolved = (tree: YamlTree, node: Node | null): Node | null => {
  if (!isAlias(node)) return node;
  tree.budget.aliasNodes += 1;
  if (tree.budget.aliasNodes <= ALIAS_NODES_MAX) return tree.targets.get(node) ?? null;
  if (tree.budget.aliasNodes === ALIAS_NODES_MAX + 1) {
    tree.diagnostics.push(
      errorAt(placeOf(tree, node), `aliases grow to more than ${ALIAS_NODES_MAX} values`),
    );
  }
  return null;
};

/** Where a node begins. */
export const placeOf = (tree: YamlTree, node: Node | null): Place =>
  tree.source.placeAt(node?.range?.[0] ?? 0);

/** The text of a scalar as it was written, quotes removed: `01`, `yes`. */
export const writtenText = (scalar: Scalar): string =>
  typeof scalar.source === 'string' ? scalar.source : String(scalar.value);

const keyText = (key: unknown): string | null =>
  isScalar(key) && key.value !== null && typeof key.value !== 'symbol' ? writtenText(key) : null;

/** Through aliases a short file can be too deep in more places than there is room to tell. */
const COMPLAINTS_MAX = 1_000;
const tooDeep = (tree: YamlTree, node: Node | null, what: string): void => {
  if (tree.diagnostics.length >= COMPLAINTS_MAX) return;
  tree.diagnostics.push(errorAt(placeOf(tree, node), `${what} is nested too deep`));
};

/** The entries that merge keys (`<<: *defaults`) bring in: what stands in the mapping itself wins. */
const mergedEntries = (tree: YamlTree, node: Node | null, depth: number): readonly YamlEntry[] => {
  const target = resolved(tree, node);
  if (isMap(target)) return entriesOf(tree, target, depth + 1);
  if (isSeq(target)) {
    // The first of several wins, as in PyYAML, so that they are laid down last to first.
    return target.items.toReversed().flatMap((item) => mergedEntries(tree, item as Node, depth + 1));
  }
  tree.diagnostics.push(errorAt(placeOf(tree, node), '<< takes a mapping, or a list of mappings'));
  return [];
};

/** A mapping's entries in order, merge keys resolved; a key that stands there twice is an error. */
export const entriesOf = (tree: YamlTree, map: YAMLMap, depth = 0): readonly YamlEntry[] => {
  const own: YamlEntry[] = [];
  const merged: YamlEntry[] = [];
  const seen = new Map<string, YamlEntry>();
  if (depth > DEPTH_MAX) {
    tooDeep(tree, map, 'this');
    return [];
  }
  for (const pair of map.items) {
    const keyNode = pair.key as Node | null;
    const valueNode = pair.value as Node | null;
    const keyPlace = placeOf(tree, keyNode);
    if (
      isScalar(keyNode) &&
      (typeof keyNode.value === 'symbol' || (keyNode.value === '<<' && keyNode.type === 'PLAIN'))
    ) {
      merged.push(...mergedEntries(tree, valueNode, depth));
      continue;
    }
    const key = keyText(keyNode);
    if (key === null) {
      tree.diagnostics.push(errorAt(keyPlace, 'a key must be a name'));
      continue;
    }
    const earlier = seen.get(key);
    const node = resolved(tree, valueNode);
    const blank = node === null || (isScalar(node) && node.value === null && writtenText(node) === '');
    const entry = { key, keyPlace, node, place: blank ? keyPlace : placeOf(tree, valueNode) };
    if (earlier !== undefined) {
      const message = `${key} stands here twice; it is on line ${earlier.keyPlace.line} already`;
      tree.diagnostics.push(errorAt(keyPlace, message, 'Remove one of them, or merge them.'));
      continue;
    }
    seen.set(key, entry);
    own.push(entry);
  }
  return merged.length === 0 ? own : [...new Map([...merged, ...own].map((e) => [e.key, e])).values()];
};

const TEXT_TAGS: ReadonlySet<string> = new Set(['tag:yaml.org,2002:str', '!unsafe', '!']);

/** A scalar's value; quotes and `!!str` make a text of it, also where it looks like something else. */
const scalarValue = (tree: YamlTree, scalar: Scalar): VariableValue => {
  const { tag } = scalar;
  const written = writtenText(scalar);
  if (tag !== undefined && VAULT_TAGS.has(tag)) return VAULTED;
  if (tag === undefined ? scalar.type !== 'PLAIN' : TEXT_TAGS.has(tag)) return written;
  return tree.isJson ? jsonScalar(written) : yamlScalar(written);
};

/** A number that JavaScript cannot hold exactly stays the text that it was. */
const jsonScalar = (text: string): VariableValue => {
  const value = JSON.parse(text) as number | boolean | null;
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? text : value;
};

/** A node as plain data; too deep or too much through aliases is an error and `null`. */
export const plainValue = (tree: YamlTree, given: Node | null, depth = 0): VariableValue => {
  const node = resolved(tree, given);
  if (isScalar(node)) return scalarValue(tree, node);
  if (node === null) return null;
  if (depth > DEPTH_MAX) {
    tooDeep(tree, given, 'this value');
    return null;
  }
  if (isSeq(node)) return node.items.map((item) => plainValue(tree, item as Node, depth + 1));
  if (isMap(node)) {
    const entries = entriesOf(tree, node, depth + 1);
    const [only] = entries;
    // How ansible-inventory writes them into its JSON.
    if (tree.isJson && entries.length === 1 && only?.key === '__ansible_vault') return VAULTED;
    if (tree.isJson && entries.length === 1 && only?.key === '__ansible_unsafe') {
      return plainValue(tree, only.node, depth + 1);
    }
    return Object.fromEntries(entries.map((entry) => [entry.key, plainValue(tree, entry.node, depth + 1)]));
  }
  return null;
};

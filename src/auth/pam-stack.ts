// What libpam has in hand once it has read a service: its lines of each type as a chain, files included by others opened up.
import { ALL_BAD, parseControl, type PamControl } from './pam-control.ts';
import type { PamCode } from './pam-code.ts';
import { moduleName, tokenize } from './pam-file.ts';
import { fromBytes, pamLines, type PamLogicalLine, type PamReader } from './pam-lines.ts';
import type { PamFolder } from './pam-situation.ts';

/** One link of a chain (libpam/pam_private.h, struct handler). */
export interface PamHandler {
  /**
   * - `module` is called; `must-fail` stands for a wrong line and answers PAM_PERM_DENIED
   * - `substack` only marks where one begins; `unknown` stands for what could not be read
   */
  readonly kind: 'module' | 'must-fail' | 'substack' | 'unknown';
  readonly control: PamControl;
  /** How deep in substacks. */
  readonly level: number;
  /** As written; '' where there is none. */
  readonly module: string;
  readonly args: readonly string[];
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** The line's words, blanks squeezed. */
  readonly text: string;
  /** Why it must fail or is not known, else ''. */
  readonly why: string;
}

export interface PamChains {
  readonly auth: readonly PamHandler[];
  readonly account: readonly PamHandler[];
}

export interface PamService {
  /** pam_start(3) itself fails (PAM_ABORT), whatever is asked for then; `null` when it does not. */
  readonly broken: { readonly file: string; readonly line: number; readonly why: string } | null;
  readonly own: PamChains;
  /** Of the service `other`, taken for a type that the service itself has no line of. */
  readonly other: PamChains;
}

/** Of substacks within each other; from 1.6 on of files included by each other, too (PAM_SUBSTACK_MAX_LEVEL). */
const LEVEL_MAX = 16;
/** Up to 1.5 files may include each other without end; a host runs out of memory or open files somewhere. */
const INCLUDE_MAX = 64;
/** Files read for one service: one that includes itself twice would be read 2 ** 16 times and more. */
const READS_MAX = 512;
/** Lines of one stack. Real ones have some thirty; what comes after so many is not known, since a host decides how many there are. */
const CHAIN_LINES_MAX = 400;
const TYPES = ['auth', 'account', 'session', 'password'] as const;
type Type = (typeof TYPES)[number];
export const PAM_OTHER = 'other';
/** Debian's libpam takes included files from here, even when it was given another folder (its patch 031_pam_include). */
const PAM_D = '/etc/pam.d/';

/** Reads a service and `other`, which libpam does at pam_start(3). Never throws. */
export const readPamService = (files: PamFolder, service: string, reader: PamReader): PamService => {
  const own: Chains = { auth: [], account: [] };
  const other: Chains = { auth: [], account: [] };
  // pam_start(3) looks for the last part of the name, in lower case; "other" itself is read twice, one after the other.
  const name = service.slice(service.lastIndexOf('/') + 1).toLowerCase();
  const wanted: readonly [string, Chains][] = [
    [name, name === PAM_OTHER ? other : own],
    [PAM_OTHER, other],
  ];
  const reads = { count: 0 };
  let any = false;
  for (const [file, chains] of wanted) {
    const text = fileIn(files, file);
    if (text === null) continue;
    any = true;
    const broken = readFile({ files, reader, chains, file, type: null, includes: 0, level: 0, reads }, text);
    if (broken !== null) {
      const { line, why } = broken;
      return { broken: { file: broken.file, line, why }, own, other };
    }
  }
  const broken = any
    ? null
    : { file: name, line: 0, why: `there is neither a file ${name} nor ${PAM_OTHER}` };
  return { broken, own, other };
};

type Chains = Record<'auth' | 'account', PamHandler[]>;

interface Place {
  readonly files: PamFolder;
  readonly reader: PamReader;
  readonly chains: Chains;
  readonly file: string;
  /** The only type that counts, in a file included by `include` or `substack`; `null`: all. */
  readonly type: Type | null;
  readonly includes: number;
  readonly level: number;
  /** Counts up over the whole service. */
  readonly reads: { count: number };
}

/** `crashes`: libpam's memory is then in disorder, and the program that asked with it: no file that includes this one mends it. */
type Broken = (NonNullable<PamService['broken']> & { readonly crashes?: true }) | null;

const fileIn = (files: PamFolder, name: string): string | null =>
  Object.hasOwn(files, name) ? (files[name] ?? null) : null;

/** Adds a file's lines; what it gives back ends the reading of the file (PAM_ABORT). */
const readFile = (place: Place, text: string): Broken => {
  const { lines, broken } = pamLines(text, place.reader);
  for (const line of lines) {
    const stopped = readLine(place, line);
    if (stopped !== null) return stopped;
  }
  return broken === null ? null : { file: place.file, ...broken };
};

const readLine = (place: Place, { line, text }: PamLogicalLine): Broken => {
  const words = tokenize(text);
  const [first = '', second, third, ...args] = words;
  const bare = first.startsWith('-') ? first.slice(1) : first;
  const at = {
    file: place.file,
    line,
    text: fromBytes(
      text
        .trim()
        .split(/[ \t\n]+/)
        .join(' '),
    ),
  };
  if (bare.toLowerCase() === '@include') {
    return include(place, { at, type: place.type, target: second, word: '@include' });
  }
  const known = words.length === 0 ? undefined : TYPES.find((type) => type === bare.toLowerCase());
  const type = known ?? place.type ?? 'auth';
  if (place.type !== null && type !== place.type) return null;
  const control = second === undefined ? ALL_BAD : parseControl(second, place.reader);
  const word = second?.toLowerCase();
  if (word === 'include' || word === 'substack') {
    return include(place, { at, type, target: third, word });
  }
  const why = problemOf({ first, known: known !== undefined, second, third });
  if (third !== undefined && !hasName(third)) return { ...at, why: 'the module has no name', crashes: true };
  add(place, type, {
    ...at,
    kind: why === '' ? 'module' : 'must-fail',
    control,
    level: place.level,
    module: fromBytes(third ?? ''),
    args: args.map(fromBytes),
    why,
  });
  return null;
};

const problemOf = ({
  first,
  known,
  second,
  third,
}: {
  readonly first: string;
  readonly known: boolean;
  readonly second: string | undefined;
  readonly third: string | undefined;
}): string => {
  if (!known) return `"${fromBytes(first).slice(0, 40)}" is no module type, so libpam makes the line fail`;
  if (second === undefined) return 'the line has no control value, so libpam makes it fail';
  return third === undefined ? 'the line names no module, so libpam makes it fail' : '';
};

/** libpam/pam_handlers.c, extract_modulename: the last part of the path up to its last dot must be a name. */
const hasName = (path: string): boolean => {
  const last = moduleName(path);
  const dot = last.lastIndexOf('.');
  const name = dot < 0 ? last : last.slice(0, dot);
  return name !== '' && name !== '?';
};

interface Include {
  readonly at: Pick<PamHandler, 'file' | 'line' | 'text'>;
  /** `null`: all types. */
  readonly type: Type | null;
  readonly target: string | undefined;
  readonly word: '@include' | 'include' | 'substack';
}

const include = (place: Place, { at, type, target, word }: Include): Broken => {
  const substack = word === 'substack';
  const common = { ...at, control: ALL_BAD, level: place.level, module: '', args: [], why: '' };
  if (target === undefined) {
    // Debian's patch reads the name's first byte without looking: the program that asks crashes.
    return { ...at, why: 'the line names no file, which crashes libpam', crashes: true };
  }
  if (substack && type !== null) {
    if (!hasName(target)) return { ...at, why: 'the substack has no name', crashes: true };
    add(place, type, { ...common, kind: 'substack' });
  }
  const path = fromBytes(target);
  const name = path.startsWith(PAM_D) ? path.slice(PAM_D.length) : path;
  if (name.includes('/')) {
    const why = `${path} is not in ${PAM_D} itself and was not read`;
    for (const one of type === null ? TYPES : [type]) {
      add(place, one, { ...common, kind: 'unknown', control: UNREAD, why });
    }
    return null;
  }
  const isTooMuch = place.reads.count >= READS_MAX || isFull(place);
  const failed = includedFile(
    { ...place, file: name, type, includes: place.includes + 1, level: place.level + (substack ? 1 : 0) },
    name,
  );
  if (failed === null) return null;
  if (typeof failed === 'object') return failed;
  if (type === null) return { ...at, why: failed };
  // After @include libpam has set no actions for the line and takes those of whatever line it read before.
  add(
    place,
    type,
    word === '@include' || isTooMuch
      ? { ...common, kind: 'unknown', control: UNREAD, why: failed }
      : { ...common, kind: 'must-fail', why: failed },
  );
  return null;
};

/**
 * What a link of kind `unknown` may answer: between them these codes do whatever a file that was not read may do to the
 * stack that includes it, jumps out of it and past the end of that one included.
 */
export const UNREAD_CODES: readonly PamCode[] = [
  'PAM_SUCCESS',
  'PAM_NEW_AUTHTOK_REQD',
  'PAM_IGNORE',
  'PAM_AUTH_ERR',
  'PAM_PERM_DENIED',
  'PAM_USER_UNKNOWN',
  'PAM_OPEN_ERR',
  'PAM_SYMBOL_ERR',
  'PAM_SERVICE_ERR',
  'PAM_BUF_ERR',
];
const UNREAD = parseControl(
  'success=done new_authtok_reqd=ok ignore=ignore auth_err=die user_unknown=reset open_err=1 symbol_err=2 service_err=3 buf_err=9999',
  'from-1.6',
);

/** Reads an included file; why libpam puts a line that fails in its place, or what ends it all, or `null`. */
const includedFile = (place: Place, name: string): string | Broken => {
  const max = place.reader === 'to-1.5' ? INCLUDE_MAX : LEVEL_MAX;
  if (place.includes >= max) return `files include each other more than ${max} deep`;
  if (place.level >= LEVEL_MAX) return `substacks are more than ${LEVEL_MAX} deep`;
  if (isFull(place)) return `the stack has more than ${CHAIN_LINES_MAX} lines`;
  if (place.reads.count >= READS_MAX) return `more than ${READS_MAX} files are included`;
  place.reads.count += 1;
  // A folder can be opened, too, and has no lines.
  const text = ['', '.', '..'].includes(name) ? '' : fileIn(place.files, name);
  if (text === null) return `there is no file ${name}, so libpam makes the line fail`;
  const broken = readFile(place, text);
  if (broken === null || broken.crashes === true) return broken;
  return `${broken.file}:${broken.line}: ${broken.why}`;
};

const isFull = ({ chains }: Place): boolean =>
  chains.auth.length > CHAIN_LINES_MAX || chains.account.length > CHAIN_LINES_MAX;

const add = (place: Place, type: Type, handler: PamHandler): void => {
  if (type !== 'auth' && type !== 'account') return;
  const chain = place.chains[type];
  if (chain.length < CHAIN_LINES_MAX) chain.push(handler);
  else if (chain.length === CHAIN_LINES_MAX) {
    const why = `the stack has more than ${CHAIN_LINES_MAX} lines, and what comes after them was not read`;
    chain.push({ ...handler, kind: 'unknown', control: UNREAD, why });
  }
};

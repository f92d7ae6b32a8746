// A guard call as shell text, and the guard's output as lines. Pure.
import { Failure } from '../core/failure.ts';
import { GUARD_EXIT, GUARD_HOME, type GuardCall } from '../core/remote.ts';
import { KeptLines } from './kept-lines.ts';
import { shellCommand, shellQuote } from './shell-quote.ts';

/** A line of the guard beyond this is cut: nothing it says is that long. */
const LINE_BYTES_MAX = 16 * 1024;
const MARK = '#mark ';

/** The guard of a transaction on its host. */
export const guardPath = (tx: string): string => `${folderOf(tx)}/guard.sh`;

/** The words that run the guard. */
export const guardWords = (operation: string, tx: string, args: readonly string[]): readonly string[] => [
  '/bin/sh',
  guardPath(tx),
  operation,
  tx,
  ...args,
];

const placeOf = (tx: string): string => {
  if (!/^[a-z0-9-]{1,64}$/.test(tx)) throw new Failure('bug', `not the id of a transaction: ${tx}`);
  return `${GUARD_HOME}/tx/${tx}`;
};
/** What its caller sent. */
const folderOf = (tx: string): string => `${placeOf(tx)}/in`;
/** Made by its claim. */
const stateOf = (tx: string): string => `${placeOf(tx)}/state`;

/**
 * The text of a call for the root channel: writes its files, then runs the guard, whose status is the text's own. A file
 * that cannot be written (a full disk) ends it with 1 and a line, before the guard. Where the transaction's own guard is
 * gone, the host's newest one answers what may be asked afterwards; without any the status is GUARD_EXIT.absent.
 */
export const guardFrame = (call: Pick<GuardCall, 'operation' | 'tx' | 'args' | 'files'>): string => {
  const files = Object.entries(call.files);
  const words = guardWords(call.operation, call.tx, call.args);
  return [
    ...(files.length === 0 ? [] : writeFiles(call.tx, files)),
    `guard=${shellQuote(guardPath(call.tx))}`,
    ...(AFTERWARDS.includes(call.operation)
      ? [`[ -r "$guard" ] || guard=${shellQuote(`${GUARD_HOME}/guard.sh`)}`]
      : []),
    `[ -r "$guard" ] || { echo 'there is no guard on this host'; exit ${GUARD_EXIT.absent}; }`,
    `/bin/sh "$guard" ${shellCommand(words.slice(2))} 2>&1`,
  ].join('\n');
};

/** What can be asked where the transaction's own guard is gone: about one that has ended, or about none. */
const AFTERWARDS: readonly GuardCall['operation'][] = [
  'confirm',
  'abort',
  'revert',
  'status',
  'recover',
  'kept',
];

/** The text that runs a script where the transaction's candidate files lie over the live ones. */
export const candidateFrame = (tx: string, script: string): string =>
  // The mark has a dot and the script's lines do not end in it: see buildObserveScript.
  `${shellCommand(guardWords('look', tx, []))} <<'END.'\n${script}\nEND.`;

const writeFiles = (tx: string, files: readonly (readonly [string, Uint8Array])[]): readonly string[] => {
  const folder = folderOf(tx);
  const names = files.map(([name]) => checkedName(name));
  const folders = new Set(
    names.flatMap((name) => {
      const parts = name.split('/').slice(0, -1);
      return parts.map((_part, at) => `${folder}/${parts.slice(0, at + 1).join('/')}`);
    }),
  );
  return [
    'umask 077',
    // Secrets may be among what was written before. Where that transaction is claimed already, its files are not ours to remove.
    `lost() { [ -e ${shellQuote(stateOf(tx))} ] || rm -rf ${shellQuote(placeOf(tx))}; printf 'cannot write %s: nothing was run\\n' "$1"; exit 1; }`,
    // With -p only the last folder gets the mode asked for, the others the umask's: the same 0700.
    ...[folder, ...folders].map((path) => `mkdir -p ${shellQuote(path)} 2>&1 || lost ${shellQuote(path)}`),
    ...files.map(([name, content]) => writeFile(`${folder}/${name}`, content)),
  ];
};

/** Written under another name first: a file that is there is whole, and no earlier one's mode is taken over. */
const writeFile = (path: string, content: Uint8Array): string => {
  const fresh = shellQuote(`${path}.fresh`);
  return [
    `rm -f ${fresh} && base64 -d >${fresh} 2>/dev/null <<'END.' && mv -f ${fresh} ${shellQuote(path)} || { rm -f ${fresh}; lost ${shellQuote(path)}; }`,
    // Only letters, digits, `+`, `/` and `=`: no line of it can be the end mark, which has a dot.
    ...(Buffer.from(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    'END.',
  ].join('\n');
};

const checkedName = (name: string): string => {
  const parts = name.split('/');
  if (!/^[a-z0-9._/-]+$/.test(name) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new Failure('bug', `not a name for a file of a transaction: ${JSON.stringify(name)}`);
  }
  return name;
};

/** Takes the guard's output as it comes: marks are told at once, the other lines are kept. */
export class GuardLines {
  readonly #onMark: (mark: string) => void;
  readonly #lines = new KeptLines();
  #rest: Buffer = Buffer.alloc(0);

  constructor(onMark: (mark: string) => void) {
    this.#onMark = onMark;
  }

  push(bytes: Uint8Array): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      this.#line(rest.subarray(0, at));
      rest = rest.subarray(at + 1);
    }
    // A line without an end must not grow for ever: its beginning is all that is kept.
    this.#rest = rest.length > LINE_BYTES_MAX ? rest.subarray(0, LINE_BYTES_MAX) : rest;
  }

  /** All lines but the marks; call it when no more comes. */
  finish(): readonly string[] {
    if (this.#rest.length > 0) this.#line(this.#rest);
    this.#rest = Buffer.alloc(0);
    return this.#lines.all;
  }

  #line(bytes: Buffer): void {
    const line = bytes.toString('utf8', 0, Math.min(bytes.length, LINE_BYTES_MAX));
    if (line.startsWith(MARK)) this.#onMark(line.slice(MARK.length));
    else this.#lines.add(line);
  }
}

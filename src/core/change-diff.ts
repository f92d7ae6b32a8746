// A change as it can be shown and kept: bounded, one harmless line for each, secrets masked.
import { structuredPatch } from 'diff';
import type { Change, FileChange } from './change.ts';
import { printable } from './printable.ts';

const CONTEXT_LINES = 3;
/** Line edits that a diff may take; files further apart than this are not compared, for it would take too long. */
const EDITS_MAX = 2_000;
const LINE_CHARS_MAX = 400;
/** Lines of one file's diff; what is managed here has fewer than a hundred. */
export const DIFF_LINES_MAX = 600;

/** `@@ -1,3 +1,3 @@` and its lines, each with its sign. */
export interface DiffHunk {
  readonly head: string;
  readonly lines: readonly string[];
}

/** What becomes of a file's text. */
export type FileDiff =
  /** `linesCut` more lines are not shown; no hunk at all: the text stays, and mode or owner change. */
  | { readonly kind: 'lines'; readonly hunks: readonly DiffHunk[]; readonly linesCut: number }
  /** What another file that is changed too says before that. */
  | { readonly kind: 'copy'; readonly of: string }
  | { readonly kind: 'bytes'; readonly count: number }
  | { readonly kind: 'too-different' }
  | { readonly kind: 'only-masked' };

/** One change beside its kind and its target. */
export type ChangeDiff =
  | { readonly kind: 'file'; readonly mode: number; readonly isNew: boolean; readonly text: FileDiff }
  | {
      readonly kind: 'packages';
      readonly install: readonly string[];
      readonly purge: readonly string[];
      readonly minimumVersion: string;
    }
  /** From a kept snapshot, which had the file or had none. */
  | { readonly kind: 'restore'; readonly isAbsent: boolean }
  | {
      readonly kind: 'restore-packages';
      readonly install: readonly { readonly name: string; readonly version: string }[];
      readonly purge: readonly string[];
    };

/** How a change is shown; `null` where kind and target say all of it. */
export const changeDiff = (change: Change, all: readonly Change[]): ChangeDiff | null => {
  switch (change.kind) {
    case 'file':
      return {
        kind: 'file',
        mode: change.mode,
        isNew: change.shown.before === null,
        text: fileDiff(change, all),
      };
    case 'packages': {
      const { install, purge, minimumVersion } = change;
      return { kind: 'packages', install, purge, minimumVersion };
    }
    case 'restore':
      return { kind: 'restore', isAbsent: change.copy === 'absent' };
    case 'restore-packages': {
      const { install, purge } = change;
      return { kind: 'restore-packages', install, purge };
    }
    case 'absent':
    case 'reload':
      return null;
    default:
      return change satisfies never;
  }
};

/** What a change does, in a line: `write /etc/duo/pam_duo.conf (mode 0600)`. */
export const deedOf = (
  { kind, target }: { readonly kind: Change['kind']; readonly target: string },
  diff: ChangeDiff | null,
): string => {
  const name = printable(target);
  switch (diff?.kind) {
    case 'file':
      return `write ${name} (mode ${diff.mode.toString(8).padStart(4, '0')})`;
    case 'packages':
      return [
        ...(diff.install.length === 0
          ? []
          : [`install ${diff.install.join(', ')} (${diff.minimumVersion} or later)`]),
        ...purged(diff),
      ].join(', ');
    case 'restore':
      return diff.isAbsent ? `remove ${name}` : `put back ${name}`;
    case 'restore-packages': {
      const back = diff.install.map(({ name: each, version }) => `${each} ${version}`);
      return [...(back.length === 0 ? [] : [`put back ${back.join(', ')}`]), ...purged(diff)].join(', ');
    }
    case undefined:
      return `${VERBS[kind]} ${name}`;
    default:
      return diff satisfies never;
  }
};

const purged = ({ purge }: { readonly purge: readonly string[] }): readonly string[] =>
  purge.length === 0 ? [] : [`purge ${purge.join(', ')}`];

const VERBS: Readonly<Record<Change['kind'], string>> = {
  file: 'write',
  absent: 'remove',
  packages: 'install',
  reload: 'reload',
  restore: 'put back',
  'restore-packages': 'put back',
};

const fileDiff = (change: FileChange, all: readonly Change[]): FileDiff => {
  const { before, after } = change.shown;
  if (after === null) return { kind: 'bytes', count: change.content.byteLength };
  const original = copiedFrom(change, all);
  if (original !== null) return { kind: 'copy', of: original };
  const patch = structuredPatch(change.target, change.target, before ?? '', after, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: EDITS_MAX,
  });
  if (patch === undefined) return { kind: 'too-different' };
  if (patch.hunks.length === 0 && change.secret) return { kind: 'only-masked' };
  let room = DIFF_LINES_MAX;
  let linesCut = 0;
  const hunks: DiffHunk[] = [];
  for (const { oldStart, oldLines, newStart, newLines, lines } of patch.hunks) {
    const kept = lines.slice(0, room);
    room -= kept.length;
    linesCut += lines.length - kept.length;
    if (kept.length === 0) continue;
    hunks.push({
      head: `@@ -${side(oldStart, oldLines)} +${side(newStart, newLines)} @@`,
      lines: kept.map(harmless),
    });
  }
  return { kind: 'lines', hunks, linesCut };
};

/** The file whose present content a new one keeps, `null` when it is no copy: its own diff shows it already. */
const copiedFrom = ({ shown: { before, after } }: FileChange, all: readonly Change[]): string | null => {
  if (before !== null || after === null || after === '') return null;
  const original = all.find((other) => other.kind === 'file' && other.shown.before === after);
  return original?.target ?? null;
};

/** An empty side stands after line 0, as diff(1) writes it; the library counts it from 1. */
const side = (start: number, count: number): string => `${count === 0 ? start - 1 : start},${count}`;

/** A line with its sign and its indentation. Blanks carry meaning in a diff, so only what is not one of them goes through printable. */
const harmless = (line: string): string => {
  const text = line.slice(1).replaceAll('\t', '    ');
  const indent = /^ */.exec(text)?.[0] ?? '';
  return `${line.slice(0, 1)}${indent.slice(0, LINE_CHARS_MAX)}${masked(printable(text, LINE_CHARS_MAX))}`;
};

/**
 * Passwords that a host's own lines may carry: of a database (pam_mysql's `passwd=`), a directory's bind account, a proxy. What
 * our files hold is masked before it comes here; this is for what the host had in them.
 */
const masked = (line: string): string =>
  line
    .replaceAll(
      /\b((?:bind_?|user_?|db_?)?(?:passwd|password|passphrase|pw|secret|skey)\s*=\s*)\S+/gi,
      '$1[secret]',
    )
    .replaceAll(/(:\/\/)[^\s/@]+@/g, '$1[secret]@');

// One declared file against what the host has: the change, if any, and why, in an administrator's words.
import type { AbsentChange, FileChange, StepId } from '../core/change.ts';
import type { FileFacts } from '../core/facts.ts';
import type { StepContext } from './step.ts';

export interface DeclaredFile {
  readonly step: StepId;
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Permission bits; owner and group are root's always. */
  readonly mode: number;
  /** Masks a text for a diff; given where the content holds a secret. */
  readonly mask?: (text: string) => string;
}

/** The change that makes a file as declared: one, or none where bytes, mode and owner are right. */
export const fileChange = (context: StepContext, declared: DeclaredFile): readonly FileChange[] => {
  const { step, path, mode } = declared;
  const text = typeof declared.content === 'string' ? declared.content : null;
  const content =
    typeof declared.content === 'string' ? new TextEncoder().encode(declared.content) : declared.content;
  const mask = declared.mask ?? ((whole: string) => whole);
  const live = context.facts.files[path] ?? { kind: 'absent' };
  const before = live.kind === 'file' && live.text !== null ? mask(live.text) : null;
  const after = text === null ? null : mask(text);
  const why = reasons(live, { mode, sha256: context.sha256(content), before, after });
  if (why.length === 0) return [];
  const secret = declared.mask !== undefined;
  return [{ kind: 'file', step, target: path, why, content, mode, secret, shown: { before, after } }];
};

/** The change that removes a file: one, or none where there is none. */
export const absentChange = (
  context: StepContext,
  step: StepId,
  path: string,
  why: string,
): readonly AbsentChange[] => {
  const live = context.facts.files[path];
  return live === undefined || live.kind === 'absent'
    ? []
    : [{ kind: 'absent', step, target: path, why: [why] }];
};

interface Wish {
  readonly mode: number;
  readonly sha256: string;
  readonly before: string | null;
  readonly after: string | null;
}

const reasons = (live: FileFacts, wish: Wish): readonly string[] => {
  switch (live.kind) {
    case 'absent':
      return ['is missing'];
    case 'other':
      return [`is ${live.what}, should be a plain file`];
    case 'file':
      return [
        ...(live.sha256 === wish.sha256 ? [] : [contentReason(wish)]),
        ...(live.mode === wish.mode ? [] : [`mode is ${octal(live.mode)}, should be ${octal(wish.mode)}`]),
        ...(live.owner === 'root' && live.group === 'root'
          ? []
          : [`owner is ${live.owner}:${live.group}, should be root:root`]),
      ];
    default:
      return live satisfies never;
  }
};

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

/** Names the first line that differs, never what it says: the line may be the secret's. */
const contentReason = ({ before, after }: Wish): string => {
  if (before === null || after === null) return 'content differs';
  const was = before.split('\n');
  const wanted = after.split('\n');
  const at = wanted.findIndex((line, index) => line !== was[index]);
  if (at >= 0) return `content differs from line ${at + 1} on`;
  return was.length > wanted.length
    ? `content differs from line ${wanted.length} on`
    : 'content differs in a secret value';
};

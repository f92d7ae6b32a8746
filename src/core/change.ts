// What is to be done to a host, as data. A closed set of kinds; the guard knows how to do, snapshot and undo each.
import type { Fingerprint } from './fingerprint.ts';

/** The intentions in activation order; see steps/index.ts. The ids are part of the JSON contract. */
export const STEP_IDS = [
  'sshd-settings',
  'duo-repository',
  'packages',
  'pam-duo-conf',
  'sudoers',
  'pam-sudo',
  'pam-sshd',
] as const;
export type StepId = (typeof STEP_IDS)[number];

interface ChangeBase {
  readonly step: StepId;
  /** A path, a package name or a service: what is changed, for people and for the JSON contract. */
  readonly target: string;
  /** Why a change is needed, in an administrator's words: `mode is 0644, should be 0600`. */
  readonly why: readonly string[];
}

/** Write a file whole: owner root:root, by rename, mode first. */
export interface FileChange extends ChangeBase {
  readonly kind: 'file';
  readonly content: Uint8Array;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  /** The content holds a secret: never shown, never journalled; diffs are made from `shown`. */
  readonly secret: boolean;
  /** Old and new text for a diff, secrets masked; `null` for bytes or where the old one was absent. */
  readonly shown: { readonly before: string | null; readonly after: string | null };
}

/** Remove a file. */
export interface AbsentChange extends ChangeBase {
  readonly kind: 'absent';
}

/** Install and purge in one package transaction. `target` is the installed package's name. */
export interface PackagesChange extends ChangeBase {
  readonly kind: 'packages';
  readonly install: readonly string[];
  readonly purge: readonly string[];
  /** Lowest version of each installed package that will do, Debian version syntax. */
  readonly minimumVersion: string;
  /** `deb [arch=amd64 signed-by=KEYRING] URL codename main`; KEYRING is replaced by the transaction's own copy. */
  readonly sourceLine: string;
  /** The dearmored key that the transaction's own copy holds. */
  readonly keyring: Uint8Array;
}

/** Reload a service (never restart). `target` is the service: `ssh`. */
export interface ReloadChange extends ChangeBase {
  readonly kind: 'reload';
}

/** Put back a file as a kept snapshot has it, with all that belongs to it; its content never leaves the host. */
export interface RestoreChange extends ChangeBase {
  readonly kind: 'restore';
  /** Of its copy in the snapshot. */
  readonly number: number;
  /** What the copy must be, and what the live file was when it was looked at. */
  readonly copy: Fingerprint;
  readonly now: Fingerprint;
  /** It goes along with packages, whose scripts may write it, too: no edit of a person's is to be seen in it. */
  readonly along: boolean;
}

/** Put back packages from a kept snapshot's copies, and remove what was not there. `target` is one of them. */
export interface RestorePackagesChange extends ChangeBase {
  readonly kind: 'restore-packages';
  readonly install: readonly { readonly name: string; readonly version: string }[];
  readonly purge: readonly string[];
  /** What is there now, `STATUS NAME VERSION`, in the order of dpkg's names. */
  readonly now: readonly string[];
}

export type Change =
  FileChange | AbsentChange | PackagesChange | ReloadChange | RestoreChange | RestorePackagesChange;

/** A change as the JSON contract and the journal show it. */
export interface ChangeSummary {
  readonly step: StepId;
  readonly kind: Change['kind'];
  readonly target: string;
  readonly why: readonly string[];
}

export const summarize = (change: Change): ChangeSummary => ({
  step: change.step,
  kind: change.kind,
  target: change.target,
  why: change.why,
});

// What a step is: one declarative intention. It says what to read, what to change and what is wrong; it has no undo.
import type { Change, StepId } from '../core/change.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import type { ObserveRequest } from '../core/remote.ts';
import type { OpenSecret, Settings } from '../core/settings.ts';
import type { Platform } from '../platform/debian.ts';
import type { Render } from './render.ts';

/** What the steps are given from outside; the same for every host of a run. */
export interface StepTools {
  readonly render: Render;
  /** Lower-case hex. */
  readonly sha256: (bytes: Uint8Array) => string;
  /** The repository's dearmored key, checked against its pins; see core/openpgp-key.ts. */
  readonly keyring: Uint8Array;
  readonly openSecret: OpenSecret;
  /** The controller's clock in seconds since the epoch when the facts came in; `null`: the clock is not compared. */
  readonly controllerEpochS: number | null;
}

export interface StepContext extends StepTools {
  readonly facts: Facts;
  readonly settings: Settings;
  readonly platform: Platform;
}

/** A step's part of an {@link ObserveRequest}; parts are joined by observe-request.ts. */
export type Reads = Partial<
  Pick<ObserveRequest, 'packages' | 'files' | 'groups' | 'accounts' | 'spacePaths'>
>;

export interface Step {
  readonly id: StepId;
  /** For people: `sudo's PAM stack`. */
  readonly title: string;
  readonly reads: (settings: Settings, platform: Platform) => Reads;
  /** Nothing to do is an empty list. Pure: the same facts give the same changes. */
  readonly changes: (context: StepContext) => readonly Change[];
  readonly findings?: (context: StepContext) => readonly Finding[];
}

/** A breach about the host itself. */
export const breach = (rule: string, message: string, persona = 'host'): Finding => ({
  rule,
  persona,
  message,
  severity: 'breach',
});

/** Something worth knowing that does not stand in the way. */
export const warning = (rule: string, message: string, persona = 'host'): Finding => ({
  rule,
  persona,
  message,
  severity: 'warning',
});

/** A file's text as it was read; `null` where it is absent, no plain file, not read, or too large. */
export const textOf = (facts: Facts, path: string): string | null => {
  const file = facts.files[path];
  return file?.kind === 'file' ? file.text : null;
};

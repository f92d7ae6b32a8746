// The steps in the order of activation: sshd first, so that a second factor is possible, and its PAM stack last.
import { duoRepository } from './duo-repository.ts';
import { packages } from './packages.ts';
import { pamDuoConf } from './pam-duo-conf.ts';
import { pamSshd } from './pam-sshd.ts';
import { pamSudo } from './pam-sudo.ts';
import { sshdSettings } from './sshd-settings.ts';
import type { Step } from './step.ts';
import { sudoers } from './sudoers.ts';

export const STEPS: readonly Step[] = [
  sshdSettings,
  duoRepository,
  packages,
  pamDuoConf,
  sudoers,
  pamSudo,
  pamSshd,
];

// One host's plan, and for verify the same in words: what is not as declared.
import { canaryFindings } from '../auth/canary-findings.ts';
import type { Change } from '../core/change.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { makePlan, type Plan } from '../core/plan.ts';
import type { Settings } from '../core/settings.ts';
import { platformOf } from '../platform/debian.ts';
import { doorFindings } from './door-findings.ts';
import { hostFindings } from './host-findings.ts';
import { STEPS } from './index.ts';
import { breach, type Step, type StepContext, type StepTools } from './step.ts';

/** Something that is not as declared, in words an administrator understands. */
export interface Difference {
  /** A StepId, or `host`. */
  readonly step: string;
  readonly target: string;
  readonly message: string;
}

/** What is to be done to a host and what stands in the way. Pure: the same facts and settings give the same plan. */
export const planHost = (
  facts: Facts,
  settings: Settings,
  tools: StepTools,
  steps: readonly Step[] = STEPS,
): Plan => {
  const platform = platformOf(facts);
  if ('refused' in platform) {
    const findings = [breach('platform-unsupported', `${settings.host} ${platform.refused}`)];
    return makePlan(settings.host, { changes: [], findings }, tools.sha256);
  }
  const context: StepContext = { ...tools, facts, settings, platform };
  const changes = steps.flatMap((step) => step.changes(context));
  const told = [
    ...hostFindings(context),
    ...canaryFindings(settings, facts),
    ...steps.flatMap((step) => step.findings?.(context) ?? []),
    ...changes.flatMap((change) => targetFindings(change, facts)),
  ];
  const findings = [...told, ...doorFindings(context, changes, told)];
  return makePlan(settings.host, { changes, findings }, tools.sha256);
};

/** A symbolic link or a folder where a file belongs: replacing it could take away what it leads to. */
const targetFindings = (change: Change, facts: Facts): readonly Finding[] => {
  if (change.kind !== 'file' && change.kind !== 'absent') return [];
  const live = facts.files[change.target];
  return live?.kind === 'other'
    ? [breach('not-a-plain-file', `${change.target} is ${live.what}, should be a plain file; move it away`)]
    : [];
};

/** Rules that say that something is not as declared, and of which part; others say why nothing may be changed. */
const DRIFT_RULES: Readonly<Record<string, string>> = {
  'platform-unsupported': 'host',
  'group-unresolved': 'pam-duo-conf',
  'sshd-overridden': 'sshd-settings',
  'sshd-open-door': 'sshd-settings',
  'sshd-foreign-match': 'sshd-settings',
  'sshd-unread': 'sshd-settings',
  'sshd-options': 'sshd-settings',
  'sshd-pam-service': 'pam-sshd',
  'sudo-asks-nobody': 'pam-sudo',
  'sudo-pam-service': 'pam-sudo',
  'sudo-other-account': 'pam-sudo',
  'shared-uid': 'pam-sudo',
  'sudo-timeout-overridden': 'sudoers',
  'sshd-settings-invalid': 'sshd-settings',
  'door-without-proof': 'pam-sshd',
  'stack-without-proof': 'pam-sshd',
  'stack-shuts-out': 'pam-sshd',
  'duo-not-asked': 'pam-sshd',
  'duo-refusal-ignored': 'pam-sshd',
  'failmode-secure-open': 'pam-sshd',
  'sudo-without-password': 'pam-sudo',
  'automation-shut-out': 'sshd-settings',
  'automation-sudo-asks': 'sudoers',
  'break-glass-shut-out': 'sshd-settings',
  'break-glass-elsewhere': 'sshd-settings',
  'break-glass-sudo': 'pam-sudo',
};

/** What differs from what is declared; empty on a compliant host. Nothing in it shows a secret. */
export const differences = (
  facts: Facts,
  settings: Settings,
  tools: StepTools,
  steps: readonly Step[] = STEPS,
): readonly Difference[] => {
  const plan = planHost(facts, settings, tools, steps);
  return [
    // First, since a list is cut where it is long: who gets in matters more than which file differs.
    ...[...plan.findings, ...doorsAsTheyAre(plan, facts, { ...tools, settings })].flatMap(
      ({ rule, severity, message }) => {
        const step = DRIFT_RULES[rule];
        return step === undefined || severity !== 'breach' ? [] : [{ step, target: settings.host, message }];
      },
    ),
    // A reload has no state of its own that could differ.
    ...plan.changes
      .filter((change) => change.kind !== 'reload')
      .flatMap((change) =>
        change.why.map((message) => ({ step: change.step, target: change.target, message })),
      ),
  ];
};

/** What the differences open or shut today: the plan's own findings are about the host as it is to be. */
const doorsAsTheyAre = (
  plan: Plan,
  facts: Facts,
  { settings, ...tools }: StepTools & { readonly settings: Settings },
): readonly Finding[] => {
  const platform = platformOf(facts);
  if (plan.changes.length === 0 || 'refused' in platform) return [];
  return doorFindings({ ...tools, facts, settings, platform }, [], plan.findings);
};

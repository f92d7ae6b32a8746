// Whether a host may become what a rollback makes of it, and whether it has.
import { doorModels } from '../auth/door-model.ts';
import { rollbackPolicyFindings } from '../auth/policy-rollback.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import type { Fingerprint } from '../core/fingerprint.ts';
import type { Plan } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import type { Settings } from '../core/settings.ts';
import { platformOf } from '../platform/debian.ts';
import type { Difference } from './plan-host.ts';
import { breach } from './step.ts';

/** What is wrong with the host as its candidate files make it; both facts as one look read them. */
export const judgeRollback = (
  facts: { readonly now: Facts; readonly after: Facts },
  { settings, plan }: { readonly settings: Settings; readonly plan: Plan },
): readonly Finding[] => {
  const places = platformOf(facts.now);
  if ('refused' in places) return [];
  if (Object.keys(facts.after.sshd.effective).length === 0) {
    return [
      breach(
        'sshd-settings-invalid',
        `sshd would not accept its settings, so nothing can be said about logins: ${printable(facts.after.sshd.error)}`,
      ),
    ];
  }
  const modelOf = (one: Facts) => doorModels(one, settings, { changes: [], places }).before;
  return rollbackPolicyFindings(
    { before: modelOf(facts.now), after: modelOf(facts.after), facts: facts.after, settings },
    plan.rollback?.changedSince ?? [],
  );
};

/** What is not as it was before the run, as far as a look at the host shows it. */
export const rollbackDifferences = (facts: Facts, plan: Plan): readonly Difference[] =>
  plan.changes.flatMap((change): readonly Difference[] => {
    const tell = (target: string, message: string): Difference => ({ step: change.step, target, message });
    if (change.kind === 'restore') {
      const live = facts.files[change.target];
      return live === undefined || isAs(live, change.copy) ? [] : [tell(change.target, 'is not as it was')];
    }
    if (change.kind !== 'restore-packages') return [];
    return [
      ...change.install
        .filter(({ name, version }) => {
          const live = facts.packages[name];
          return live?.status !== 'installed' || live.version !== version;
        })
        .map(({ name, version }) => tell(name, `is not ${version} as it was`)),
      ...change.purge
        .filter((name) => (facts.packages[name]?.status ?? 'not-installed') !== 'not-installed')
        .map((name) => tell(name, 'is still there')),
    ];
  });

/** The owner's number is the guard's to compare: a look reads names. */
const isAs = (live: Facts['files'][string], print: Fingerprint): boolean => {
  if (live.kind === 'absent') return print === 'absent';
  return live.kind === 'file' && print.startsWith(`${live.sha256}:${live.mode.toString(8)}:`);
};

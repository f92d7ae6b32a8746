// Whom Duo does not know, as findings: who would be denied on day one.
import type { Finding } from '../core/finding.ts';
import type { PreflightFacts } from '../core/preflight.ts';
import { printable } from '../core/printable.ts';
import { warning } from './step.ts';

/** Names in one message; the rest are counted. */
const NAMES_SHOWN_MAX = 5;

/** A warning for each who would not get in; Duo's answer is the account's own and no reason to refuse a host. */
export const enrolmentFindings = (enrolment: PreflightFacts['enrolment']): readonly Finding[] => {
  const unproven: string[] = [];
  let why = '';
  const findings = Object.entries(enrolment).flatMap(([user, stands]): readonly Finding[] => {
    const name = printable(user);
    switch (stands.kind) {
      case 'enrolled':
      case 'bypass':
        return [];
      case 'not-enrolled':
        return [
          warning(
            'duo-not-enrolled',
            `${name} is not enrolled at Duo: it is denied whenever it meets Duo, in both failmodes; enrol it`,
            name,
          ),
        ];
      case 'denied':
        return [
          warning(
            'duo-denied',
            `Duo denies ${name}${stands.why === '' ? '' : ` (${stands.why})`}: it would not get in; look at the user in Duo's admin panel`,
            name,
          ),
        ];
      case 'unproven':
        unproven.push(name);
        why = stands.why;
        return [];
      default:
        return stands satisfies never;
    }
  });
  if (unproven.length === 0) return findings;
  const more = unproven.length - NAMES_SHOWN_MAX;
  const shown = `${unproven.slice(0, NAMES_SHOWN_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return [
    ...findings,
    warning(
      'duo-enrolment-unproven',
      `whether Duo knows ${shown} could not be found out (${why}); run verify --check-enrolment again`,
    ),
  ];
};

// Who logged in by key of late, out of observe.sh's answer.
import type { Facts } from '../core/facts.ts';
import { all, malformed, only, type Sections, utf8 } from './observe-sections.ts';

/** Of each account in the log: the day of its newest login, in days since the epoch. The names are anybody's text. */
export const readKeyLogins = (
  sections: Sections,
): { readonly log: Facts['keyLoginLog']; readonly days: ReadonlyMap<string, number> } => {
  const days = new Map<string, number>();
  if (all(sections, 'logins').length === 0) return { log: 'not read', days };
  let log: Facts['keyLoginLog'] = 'whole';
  for (const line of only(sections, 'logins').lines) {
    if (line === 'cut') log = 'cut';
    if (line === 'cut' || line === '') continue;
    const match = /^(\d{1,6}) (.+)$/.exec(line);
    if (match === null) throw malformed('who logged in by key');
    days.set(utf8(match[2] ?? ''), Number(match[1]));
  }
  return { log, days };
};

// Whom the host picked for the personas, and whom it asked sudo about; out of observe.sh's answer.
import { malformed, only, type Sections, utf8 } from './observe-sections.ts';

/** One pick; `label` is the request's. */
interface Pick {
  readonly label: string;
  readonly name: string;
}

/** `foreignMatch`: sshd's files, our own drop-in aside, tell users apart, so sshd was asked about the picks too. */
export const readPeople = (
  sections: Sections,
): {
  readonly foreignMatch: boolean;
  readonly users: readonly Pick[];
  readonly sudoers: readonly string[];
} => {
  const [first, ...lines] = only(sections, 'people').lines;
  if (first !== 'match' && first !== 'plain') throw malformed('who is who');
  const users: Pick[] = [];
  const sudoers: string[] = [];
  for (const line of lines.map(utf8)) {
    const match = /^(?:user ([^ ]+) [^ ]+|sudo) (.+)$/.exec(line);
    if (match === null) throw malformed('who is who');
    const [, label, name = ''] = match;
    if (label === undefined) sudoers.push(name);
    else users.push({ label, name });
  }
  return { foreignMatch: first === 'match', users, sudoers };
};

// What `explain` tells of one host, for people.
import type { Explained, ExplainedWay, Explanation } from '../auth/explanation.ts';
import type { PamVerdict } from '../auth/pam-situation.ts';
import { explainTables, noteLines, REFUSED, sshText, sudoText, who } from './explain-tables.ts';
import { walkLines } from './explain-walk.ts';
import type { Paint } from './paint.ts';
import { wrapText } from './wrap-text.ts';

interface Style {
  readonly width: number;
  readonly paint: Paint;
}

/** Tables, and with `isWalk` what each stack does line by line. */
export const explainLines = (
  explanation: Explanation,
  options: Style & { readonly services: readonly ('sshd' | 'sudo')[]; readonly isWalk: boolean },
): readonly string[] => [
  ...explainTables(explanation, options.services, options),
  ...(options.isWalk
    ? explanation.personas.flatMap((explained) =>
        options.services.flatMap((service) => walks(explained, service, options)),
      )
    : []),
  ...noteLines(explanation.notes, options),
];

/** The walks of one service, one for all answers of Duo that make no difference to it. */
const walks = (explained: Explained, service: 'sshd' | 'sudo', style: Style): readonly string[] => {
  const groups = new Map<string, readonly ExplainedWay[]>();
  for (const way of explained.ways) {
    const key = JSON.stringify([verdictOf(way, service), outcomeOf(way, service).text]);
    groups.set(key, [...(groups.get(key) ?? []), way]);
  }
  return [...groups.values()].flatMap((ways) => oneWalk(ways, explained, service, style));
};

const oneWalk = (
  ways: readonly ExplainedWay[],
  explained: Explained,
  service: 'sshd' | 'sudo',
  style: Style,
): readonly string[] => {
  const [first] = ways;
  const verdict = first === undefined ? null : verdictOf(first, service);
  if (first === undefined) return [];
  const name = who(explained.persona).replaceAll(/,?\n/g, ', ');
  const answers = ways.map(({ standing }) => standing.duo).join(' or ');
  const duo =
    ways.length === explained.ways.length && ways.length > 1 ? 'however Duo answers' : `Duo ${answers}`;
  return [
    ...wrapText(`${service === 'sshd' ? 'SSH' : 'sudo'}: ${name}; ${duo}`, style.width).map((line) =>
      style.paint.bold(line),
    ),
    ...(verdict === null ? ['PAM is not asked.'] : walkLines(verdict, style)),
    ...wrapText(outcomeWords(first, service), style.width),
    '',
  ];
};

const outcomeWords = (way: ExplainedWay, service: 'sshd' | 'sudo'): string => {
  const { text } = outcomeOf(way, service);
  if (service === 'sudo' && way.standing.sudo.kind === 'not-allowed')
    return 'sudo refuses: sudoers allows nothing.';
  if (text === REFUSED) return service === 'sshd' ? 'Does not get in.' : 'sudo refuses.';
  return `${service === 'sshd' ? 'Gets in with' : 'sudo wants'}: ${text}.`;
};

const outcomeOf = (way: ExplainedWay, service: 'sshd' | 'sudo') =>
  service === 'sshd' ? sshText(way) : sudoText(way.standing.sudo);

const verdictOf = (way: ExplainedWay, service: 'sshd' | 'sudo'): PamVerdict | null =>
  service === 'sshd' ? way.ssh : way.sudo;

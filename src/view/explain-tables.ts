// Who gets in with what, as the two tables that people draw by hand: one for SSH, one for sudo.
import type { Explained, ExplainedWay, Explanation } from '../auth/explanation.ts';
import type { Door, Persona, SudoDoor } from '../auth/persona.ts';
import type { PamVerdict } from '../auth/pam-situation.ts';
import type { Proof } from '../core/login-table.ts';
import type { Paint } from './paint.ts';
import { waitS } from '../auth/standings.ts';
import { textTable, type Cell } from './text-table.ts';
import { shown } from './words.ts';
import { wrapText } from './wrap-text.ts';

/** The word for who shows everything and is not let through. */
export const REFUSED = 'refused';

interface Style {
  readonly width: number;
  readonly paint: Paint;
}

/** The tables of the services that were asked for, with a title each. */
export const explainTables = (
  explanation: Explanation,
  services: readonly ('sshd' | 'sudo')[],
  style: Style,
): readonly string[] => {
  const host = shown(explanation.host);
  const ways = explanation.personas[0]?.ways ?? [];
  // Of several answers each cell tells its own.
  const only = ways.length === 1 ? `, while Duo answers ${ways[0]?.standing.duo ?? ''}` : '';
  const when = `${explanation.state === 'live' ? 'now' : 'after apply'}${only}`;
  return services.flatMap((service) => [
    style.paint.bold(service === 'sshd' ? `SSH login to ${host}, ${when}` : `sudo on ${host}, ${when}`),
    '',
    ...(service === 'sshd' ? sshTable(explanation.personas, style) : sudoTable(explanation.personas, style)),
    '',
  ]);
};

const sshTable = (personas: readonly Explained[], style: Style): readonly string[] =>
  textTable(
    ['WHO', 'SSHD ASKS', 'PAM', 'GETS IN WITH'],
    personas.map((explained) => [
      { text: [who(explained.persona), ...lacks(explained.persona)].join('\n') },
      { text: askedText(explained) },
      { text: pamText(explained.ways[0]?.ssh ?? null, 'not asked') },
      outcomes(explained.ways, (way) => sshText(way)),
    ]),
    style,
  );

const sudoTable = (personas: readonly Explained[], style: Style): readonly string[] =>
  textTable(
    ['WHO', 'PAM', 'SUDO WANTS'],
    onePerAccount(personas).map((explained) => [
      { text: who({ ...explained.persona, address: '' }) },
      { text: pamText(explained.ways[0]?.sudo ?? null, 'not asked') },
      outcomes(explained.ways, (way) => sudoText(way.standing.sudo)),
    ]),
    style,
  );

/** sudo does not ask where somebody came from: who stands for two addresses is one account to it. */
const onePerAccount = (personas: readonly Explained[]): readonly Explained[] =>
  personas.filter(
    ({ persona }, at) =>
      !persona.isReal || personas.findIndex((other) => other.persona.user === persona.user) === at,
  );

/** `alice, server-access member, from 192.0.2.7`. */
export const who = ({ user, kind, isReal, address }: Persona): string => {
  const name = isReal ? shown(user) : 'nobody here';
  const from = address === '' ? '' : `\nfrom ${shown(address)}`;
  // Where an account is called as its kind is, once is enough.
  return `${name}${name === kind ? '' : `,\n${isReal ? '' : 'a '}${kind}${isReal ? '' : ' to come'}`}${from}`;
};

/** What a real account does not have now, which a way in that asks for it does not tell. */
const lacks = ({ isReal, account }: Persona): readonly string[] => [
  ...(isReal && account.authorizedKeys === 0 ? ['(no key)'] : []),
  ...(isReal && account.password === 'locked' ? ['(no password)'] : []),
  ...(account.expired ? ['(expired)'] : []),
];

const askedText = ({ lists, settings, ways }: Explained): string => {
  const shutOut = ways[0]?.standing.shutOut ?? '';
  if (shutOut !== '') return `nothing: ${shown(shutOut)}`;
  if (lists.length === 0) return `no way: ${shown(settings).replaceAll(/,(?=\S)/g, ', ')}`;
  return lists.map((list) => list.map((method) => shown(method)).join(', then ')).join('\nor ');
};

/** The modules that had a say, in their order; those whose answer did not count, and those that always say yes, are left out. */
export const pamText = (verdict: PamVerdict | null, absent: string): string => {
  if (verdict === null) return absent;
  const parts = verdict.steps.flatMap(({ answer, action, text }) => {
    if (answer === null || action === 'ignore' || action === '') return [];
    const name = shown(moduleOf(text));
    if (answer.kind === 'unknown') return [`${name}?`];
    if (action === 'die' || action === 'bad') return [`${name} refuses`];
    if (name === 'pam_permit') return [];
    const jump = /^jump (\d+)$/.exec(action)?.[1];
    // Of a module that verifies, a jump over the refusal below it is how it says yes.
    return [jump === undefined || VERIFYING.has(name) ? name : `${name} skips ${jump}`];
  });
  return parts.length === 0 ? verdict.result : parts.join(', ');
};

/** Modules that want something shown; others only decide which line comes next. */
const VERIFYING: ReadonlySet<string> = new Set([
  'pam_duo',
  'pam_krb5',
  'pam_ldap',
  'pam_sss',
  'pam_unix',
  'pam_winbind',
]);

/** `auth requisite /usr/lib64/security/pam_duo.so x=y` -> `pam_duo`. */
const moduleOf = (text: string): string =>
  /(?:^|[ /])(pam_[^ /]*?)(?:\.so)?(?: |$)/.exec(text.replace(/\[[^\]]*\]/, ''))?.[1] ?? text;

/** One cell for all answers of Duo: told once where they make no difference. */
const outcomes = (
  ways: readonly ExplainedWay[],
  textOf: (way: ExplainedWay) => { readonly text: string; readonly tone: Cell['tone'] },
): Cell => {
  const told = ways.map((way) => ({ duo: way.standing.duo, ...textOf(way) }));
  const first = told[0];
  if (first === undefined) return { text: '' };
  const tone = worst(told.map((each) => each.tone));
  const toneOf = tone === undefined ? {} : { tone };
  if (told.every(({ text }) => text === first.text)) return { text: first.text, ...toneOf };
  return { text: told.map(({ duo, text }) => `Duo ${duo}: ${text}`).join('\n'), ...toneOf };
};

const worst = (tones: readonly Cell['tone'][]): Cell['tone'] =>
  (['bad', 'warn'] as const).find((tone) => tones.includes(tone));

export const sshText = ({
  standing,
}: ExplainedWay): { readonly text: string; readonly tone: Cell['tone'] } => {
  const { ssh } = standing;
  if (ssh.length === 0) return { text: REFUSED, tone: undefined };
  const after = waitS(standing);
  return {
    text: `${waysText(ssh)}${after > 0 ? ` (after ${after} s)` : ''}`,
    tone: toneOfWays(ssh),
  };
};

export const sudoText = (door: SudoDoor): { readonly text: string; readonly tone: Cell['tone'] } => {
  switch (door.kind) {
    case 'not-allowed':
      return { text: 'sudoers allows nothing', tone: undefined };
    case 'asks-nothing':
      return { text: `nothing: ${shown(door.rule)}`, tone: undefined };
    case 'asks':
      return door.ways.length === 0
        ? { text: REFUSED, tone: undefined }
        : { text: waysText(door.ways), tone: toneOfWays(door.ways) };
    case 'unknown':
      return { text: `not known: ${shown(door.why)}`, tone: 'warn' };
    default:
      return door satisfies never;
  }
};

type Way = Pick<Door, 'proofs' | 'sure'>;

const waysText = (ways: readonly Way[]): string =>
  [...new Set(ways.map(({ proofs, sure }) => `${proofsText(proofs)}${sure ? '' : ' (not sure)'}`))].join(
    ' or ',
  );

const WORDS: Readonly<Record<Proof, string>> = { key: 'key', password: 'password', duo: 'Duo' };
/** `key and Duo`; nothing to show at all is an open door. */
export const proofsText = (proofs: readonly Proof[]): string =>
  proofs.length === 0 ? 'ANYTHING: OPEN DOOR' : proofs.map((proof) => WORDS[proof]).join(' and ');

const toneOfWays = (ways: readonly Way[]): Cell['tone'] => {
  // Duo alone verifies nobody: whoever knows the name can ask, and one tired tap lets him in.
  if (ways.some(({ proofs }) => !proofs.includes('key') && !proofs.includes('password'))) return 'bad';
  return ways.every(({ sure }) => sure) ? undefined : 'warn';
};

/** The notes above or below a table, wrapped. */
export const noteLines = (notes: readonly string[], { width, paint }: Style): readonly string[] =>
  notes.flatMap((note) => wrapText(`Note: ${shown(note)}`, width).map((line) => paint.warn(line)));

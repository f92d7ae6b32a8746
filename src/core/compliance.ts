// What a run shows of the Essential Eight's multi-factor authentication at maturity level two, host by host, and what it does not.
import type { LoginRow, LoginWay } from './login-table.ts';
import type { Report, ReportHost } from './report.ts';
import { isAsItMust, type LoginCheck } from './verdict.ts';

/**
 * How far a host's evidence goes. It never says that a requirement is met: that is for an assessor to say.
 *
 * - `shown` a real login showed it, by the word of Duo's module in the host's log
 * - `partly` a part of it was shown, or the model of the host's files says it and no login has shown it
 * - `not-shown` nothing here shows it: it cannot be seen from where this program looks, or nobody looked
 * - `contradicted` what was seen speaks against it
 */
export const EVIDENCE_LEVELS = ['contradicted', 'not-shown', 'partly', 'shown'] as const;
export type EvidenceLevel = (typeof EVIDENCE_LEVELS)[number];

export interface Evidence {
  readonly level: EvidenceLevel;
  /** What was shown, in sentences. */
  readonly shown: readonly string[];
  /** What was not. */
  readonly missing: readonly string[];
  /** When the login that shows it was over; milliseconds since the epoch. `null`: no login shows it. */
  readonly at: number | null;
  /** The line of Duo's module in the host's own log, ''. */
  readonly line: string;
}

/** One requirement. Its number is the control of the Information Security Manual that the model maps it to. */
export interface Requirement {
  readonly control: string;
  readonly text: string;
  /** What holds for every host alike. */
  readonly remark: string;
  readonly evidenceOf: (host: ReportHost) => Evidence;
}

/**
 * Where the words are from: Essential Eight maturity model (Australian Signals Directorate, November 2023), maturity level two,
 * multi-factor authentication, by the controls of the ISM's "E8 ML2" baseline (OSCAL v2025.07.16).
 */
export const ESSENTIAL_EIGHT = 'Essential Eight maturity model, November 2023, maturity level two';

/** Requirements of the same level that no run of this program can say anything about. */
export const NOT_ABOUT_HOSTS: readonly string[] = [
  'Online services and their customers (ISM-1504, 1679, 1680, 1681, 1872, 1873, 1892, 1893): SSH and sudo on a host are none.',
  'Protecting event logs, analysing them in time and acting on what they show (ISM-1815, 1906, 1228 and those on incidents): outside of what is looked at here.',
];

const NOBODY_LOOKED = 'Who gets in was not looked at on this host in this run, or nobody saw how it ended.';
const nothing = (why: string): Evidence => ({
  level: 'not-shown',
  shown: [],
  missing: [why],
  at: null,
  line: '',
});

/** The requirements that SSH login and sudo on a host have to do with. */
export const REQUIREMENTS: readonly Requirement[] = [
  {
    control: 'ISM-1173',
    text: 'Multi-factor authentication is used to authenticate privileged users of systems.',
    remark:
      'Privileged is here root, whom sudoers allows anything, and who is in the sudo group of Duo. Automation and break-glass are exempt by declaration: an exception that has to be justified and guarded elsewhere.',
    evidenceOf: (host) => ofMembers(host, ({ privileged }) => privileged, 'privileged account'),
  },
  {
    control: 'ISM-0974',
    text: 'Multi-factor authentication is used to authenticate unprivileged users of systems.',
    remark: "Who is in none of Duo's groups is not asked; such accounts are named as exceptions.",
    evidenceOf: (host) => ofMembers(host, ({ privileged }) => !privileged, 'unprivileged account'),
  },
  {
    control: 'ISM-1401',
    text: 'Multi-factor authentication uses either: something users have and something users know, or something users have that is unlocked by something users know or are.',
    remark:
      "At SSH login the factors are a key and Duo: a key file and a telephone are both something one has, and whether a passphrase, a PIN or a finger unlocks them is not seen from a host. At sudo it is the account's password and Duo.",
    evidenceOf: factors,
  },
  {
    control: 'ISM-1682',
    text: 'Multi-factor authentication used for authenticating users of systems is phishing-resistant.',
    remark:
      "Not given by this configuration. Duo's push and its passcodes are not phishing-resistant: somebody can be talked into approving or telling one. An SSH key cannot be read off by a false server, but by itself it is one factor, and nothing here shows that it is kept in hardware.",
    evidenceOf: ({ logins }) =>
      logins === null
        ? nothing(NOBODY_LOOKED)
        : {
            ...nothing("Duo's push and passcodes are not phishing-resistant."),
            level: 'contradicted',
          },
  },
  {
    control: 'ISM-1683',
    text: 'Successful and unsuccessful multi-factor authentication events are centrally logged.',
    remark:
      "Duo's module writes each login that meets it to the host's own syslog, and Duo keeps an authentication log of its own. Whether either comes to a central place is not looked at here.",
    evidenceOf: logged,
  },
];

/** Every requirement with every host's evidence. */
export const complianceOf = ({
  hosts,
}: Pick<Report, 'hosts'>): readonly {
  readonly requirement: Requirement;
  readonly hosts: readonly { readonly host: ReportHost; readonly evidence: Evidence }[];
}[] =>
  REQUIREMENTS.map((requirement) => ({
    requirement,
    hosts: hosts.map((host) => ({ host, evidence: requirement.evidenceOf(host) })),
  }));

const asksDuo = (ways: readonly LoginWay[]): boolean => ways.every(({ proofs }) => proofs.includes('duo'));
const isSure = (ways: readonly LoginWay[]): boolean => ways.every(({ sure }) => sure);

/** What stands against a persona that is to meet Duo, in words; empty where every way in asks Duo. */
const gapsOf = (row: LoginRow): readonly string[] => {
  const name = nameOf(row);
  const sudo = row.sudo.allow;
  return [
    ...(asksDuo(row.ssh.allow) && row.ssh.deny.length === 0 ? [] : [`${name} gets in by SSH without Duo.`]),
    ...(sudo.kind === 'asks-nothing' ? [`${name} is asked for nothing by sudo: ${sudo.entry}.`] : []),
    ...(sudo.kind === 'asks' && row.privileged && row.who === 'sudo member' && !asksDuo(sudo.ways)
      ? [`${name} passes sudo without Duo.`]
      : []),
  ];
};

const unsureOf = (row: LoginRow): readonly string[] => {
  const sudo = row.sudo.allow;
  return [
    ...(isSure(row.ssh.allow) ? [] : [`How ${nameOf(row)} gets in by SSH is not known for sure.`]),
    ...(sudo.kind === 'unknown' || (sudo.kind === 'asks' && !isSure(sudo.ways))
      ? [`What sudo wants of ${nameOf(row)} is not known for sure.`]
      : []),
  ];
};

const nameOf = ({ user, who }: LoginRow): string => (user === '' ? `a ${who} to come` : user);

/** Who is exempt and gets in all the same. */
const exceptionsOf = (rows: readonly LoginRow[]): readonly string[] => {
  const names = rows
    .filter(({ exempt, ssh }) => exempt !== null && ssh.allow.length > 0)
    .map((row) => `${nameOf(row)} (${row.exempt ?? ''})`);
  return names.length === 0 ? [] : [`Get in without Duo, as exempt: ${[...new Set(names)].join(', ')}.`];
};

const ofMembers = (host: ReportHost, isMeant: (row: LoginRow) => boolean, called: string): Evidence => {
  if (host.logins === null) return nothing(NOBODY_LOOKED);
  const rows = host.logins.rows.filter(isMeant);
  const members = rows.filter(({ exempt }) => exempt === null);
  const gaps = members.flatMap(gapsOf);
  const unsure = members.flatMap(unsureOf);
  const failsOpen = members.some(({ ssh }) => ssh.unreachable.some(({ proofs }) => !proofs.includes('duo')));
  const login = duoLogin(host);
  const who =
    login === null ? null : (host.logins.rows.find(({ user }) => user === login.check.duo?.user) ?? null);
  const isOfThem = who !== null && isMeant(who);
  const isApproved = login?.check.duo?.how === 'approved';
  return {
    level:
      gaps.length > 0
        ? 'contradicted'
        : members.length === 0
          ? 'not-shown'
          : isApproved && isOfThem && unsure.length === 0
            ? 'shown'
            : 'partly',
    shown: [
      ...(gaps.length === 0 && members.length > 0
        ? [`By the model, every ${called} in Duo's groups gets in with Duo only: ${namesOf(members)}.`]
        : []),
      ...(login === null ? [] : [loginWords(login.check)]),
    ],
    missing: [
      ...gaps,
      ...unsure,
      ...(members.length === 0 ? [`The host has no ${called} in Duo's groups.`] : []),
      ...(failsOpen ? ['While Duo cannot be reached, they get in without it (failmode safe).'] : []),
      ...(login === null
        ? ["No login has shown that Duo is asked: only the model of the host's files says so."]
        : []),
      ...(login !== null && !isApproved
        ? ['Nobody approved a second factor: Duo let the account through (bypass).']
        : []),
      ...(login !== null && !isOfThem ? [`The login was of another kind of account than a ${called}.`] : []),
      ...exceptionsOf(rows),
      ...(host.logins.keyOnly.length === 0
        ? []
        : [`Get in by key alone, as the inventory lists them: ${host.logins.keyOnly.join(', ')}.`]),
    ],
    at: login?.at ?? null,
    line: login?.check.duo?.line ?? '',
  };
};

const namesOf = (rows: readonly LoginRow[]): string => [...new Set(rows.map(nameOf))].join(', ');

/** The best login that met Duo on a host as it is now, and when its phase was over: live before rehearsed, approved before bypassed. */
export const duoLogin = ({
  result,
  tasks,
}: ReportHost): { readonly check: LoginCheck; readonly at: number | null } | null => {
  const [check] = (result?.checks ?? [])
    .filter((one) => one.duo !== undefined && isAsItMust(one))
    .toSorted((a, b) => weightOf(a) - weightOf(b));
  // What was put back again shows nothing of the host as it is.
  const isKept = result?.verdict === 'confirmed' || result?.verdict === 'compliant';
  if (check === undefined || !isKept) return null;
  return { check, at: tasks.findLast(({ task }) => task === check.phase)?.endedAt ?? null };
};

const weightOf = ({ phase, duo }: LoginCheck): number =>
  (phase === 'canary' ? 0 : 2) + (duo?.how === 'approved' ? 0 : 1);

const loginWords = ({ title, phase, duo }: LoginCheck): string =>
  `${phase === 'canary' ? 'On the live host' : 'Through the candidate files'}, "${title}" got in, and Duo ${duo?.how === 'approved' ? 'had it approved' : 'was asked and let it through'}.`;

function factors({ logins }: ReportHost): Evidence {
  if (logins === null) return nothing(NOBODY_LOOKED);
  const asked = logins.rows.filter(
    ({ exempt, sudo }) =>
      exempt === null &&
      sudo.allow.kind === 'asks' &&
      sudo.allow.ways.length > 0 &&
      sudo.allow.ways.every(({ proofs }) => proofs.includes('duo') && proofs.includes('password')),
  );
  const missing = ['Whether key and telephone are unlocked by something known is not seen from a host.'];
  return asked.length === 0
    ? { ...nothing(''), missing }
    : {
        level: 'partly',
        shown: [`By the model, sudo asks ${namesOf(asked)} for a password (known) and Duo (had).`],
        missing,
        at: null,
        line: '',
      };
}

function logged(host: ReportHost): Evidence {
  const login = duoLogin(host);
  const missing = ["Whether the host's log goes to a central place was not looked at."];
  return login === null
    ? { ...nothing(''), missing: [...missing, 'No login wrote such a line in this run.'] }
    : {
        level: 'partly',
        shown: ["The host's own log has the event."],
        missing,
        at: login.at,
        line: login.check.duo?.line ?? '',
      };
}

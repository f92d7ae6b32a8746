// What `explain` tells of one host: who is asked for what, and what comes of it however Duo answers.
import type { Facts } from '../core/facts.ts';
import type { DoorModel } from './door-model.ts';
import { unsureAccountLine } from './account-lines.ts';
import type { DuoAnswer } from './duo-answer.ts';
import { moduleName, parsePamFile } from './pam-file.ts';
import type { PamFolder, PamVerdict } from './pam-situation.ts';
import type { Persona, Standing } from './persona.ts';
import type { Effective } from './sshd-after.ts';
import { tryEverything } from './sshd-doors.ts';
import { quoted } from './policy-causes.ts';
import { sshdGate } from './sshd-methods.ts';
import { standing } from './standings.ts';

/** One persona, for each answer of Duo that was asked about. */
export interface Explained {
  readonly persona: Persona;
  /** The settings of sshd that decide over its methods, for the case that none is left. */
  readonly settings: string;
  /** The lists of methods that can be gone through, one of which is enough; empty: sshd lets it in by none. */
  readonly lists: readonly (readonly string[])[];
  readonly ways: readonly ExplainedWay[];
}

export interface ExplainedWay {
  readonly standing: Standing;
  /**
   * What PAM says to the least that gets in, or, where nothing does, to somebody who shows all that there is to show.
   * `null` where PAM is asked for no proof: after a key alone, or with UsePAM no.
   */
  readonly ssh: PamVerdict | null;
  /** The same for sudo; `null` where sudo does not ask its stack. */
  readonly sudo: PamVerdict | null;
}

/** Explains personas one by one, each for every answer. */
export const explainPersonas = (
  model: DoorModel,
  personas: readonly Persona[],
  answers: readonly DuoAnswer[],
): readonly Explained[] =>
  personas.map((persona) => {
    const effective = model.sshd(persona);
    const { lists, shutOut } = sshdGate(effective, persona);
    return {
      persona,
      settings: decisiveSettings(effective, persona),
      lists: shutOut === '' ? lists : [],
      ways: answers.map((duo) => explainWay(model, lists, standing(model, persona, duo))),
    };
  });

const decisiveSettings = (effective: Effective, { account }: Persona): string => {
  const said = (name: string): readonly string[] => {
    const value = effective[name.toLowerCase()]?.join(' ');
    return value === undefined ? [] : [`${name} ${value}`];
  };
  return [...said('AuthenticationMethods'), ...(account.uid === 0 ? said('PermitRootLogin') : [])].join('; ');
};

const explainWay = (model: DoorModel, lists: Explained['lists'], way: Standing): ExplainedWay => {
  const { persona, duo, ssh, shutOut, sudo } = way;
  const decisive = ssh.find(({ walk }) => walk !== null)?.walk ?? null;
  // A key that is enough asks PAM nothing, and neither does sshd when it takes nobody by this name.
  const isDecided = ssh.length > 0 || shutOut !== '';
  const refused = isDecided
    ? null
    : (lists
        .map((methods) => tryEverything(model, persona, duo, methods).walk)
        .find((walk) => walk !== null) ?? null);
  return { standing: way, ssh: decisive ?? refused, sudo: sudo.kind === 'asks' ? sudo.walk : null };
};

/** Everything that is told of one host. */
export interface Explanation {
  readonly host: string;
  /** `live`: as the host is; `planned`: as apply would leave it. */
  readonly state: 'live' | 'planned';
  readonly personas: readonly Explained[];
  /** What one must know to read the rest right. */
  readonly notes: readonly string[];
}

/** What one must know to read the tables right: a file that is missing or cannot be read, nobody who asks Duo. */
export const explainNotes = (
  model: DoorModel,
  options: {
    readonly facts: Facts;
    readonly services: readonly string[];
    readonly duoConfPath: string;
  },
): readonly string[] => {
  const { facts, services, duoConfPath } = options;
  const { files, duoConf } = model.host;
  const asking = services.filter((service) => namesDuo(files, service));
  const conf = duoConf(null);
  return [
    ...(Object.keys(facts.sshd.effective).length === 0
      ? [`sshd does not accept its own settings, so nothing is known about SSH: ${facts.sshd.error}`]
      : []),
    ...services
      .filter((service) => files[service] === undefined)
      .map((service) => `/etc/pam.d/${service} is not there: libpam goes by /etc/pam.d/other`),
    ...services
      .filter((service) => !asking.includes(service))
      .map((service) => `the stack of ${service} does not name pam_duo: nobody meets Duo there`),
    ...(asking.length > 0 && conf.kind === 'broken'
      ? [
          `pam_duo cannot use ${duoConfPath}${conf.line === 0 ? '' : `, line ${conf.line}`}: ${conf.reason}; it asks nobody and goes by failmode ${conf.failmode}`,
        ]
      : []),
    ...accountNotes(model, facts),
    ...(facts.pending === null
      ? []
      : [`a transaction is unfinished on this host (run ${facts.pending.run}): what is shown may change`]),
  ];
};

const accountNotes = (model: DoorModel, facts: Facts): readonly string[] => {
  const lines = Object.entries(facts.accounts).flatMap(([user, account]) => {
    const line = account === null ? null : unsureAccountLine(model, { user, account, address: '' });
    return line === null ? [] : [quoted(line)];
  });
  return [...new Set(lines)].map(
    (line) => `what ${line} says is not known: it may keep out of SSH somebody who is shown as getting in`,
  );
};

/** Whether a service's stack names the module, in files that it includes too; a stack that includes itself is read once. */
const namesDuo = (files: PamFolder, service: string, seen: ReadonlySet<string> = new Set()): boolean => {
  const text = files[service] ?? (seen.size === 0 ? files['other'] : undefined);
  if (text === undefined || seen.has(service)) return false;
  const within = new Set([...seen, service]);
  return parsePamFile(text).lines.some(({ says }) => {
    if (says.kind === 'include') return namesDuo(files, says.file, within);
    if (says.kind !== 'rule' || says.type !== 'auth') return false;
    return says.control === 'include' || says.control === 'substack'
      ? namesDuo(files, says.module, within)
      : moduleName(says.module) === 'pam_duo.so';
  });
};

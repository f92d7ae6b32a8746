// What decides over logins on one host, as it is and as it will be: sshd's settings, PAM's files and modules, Duo's file, sudo.
import type { Change } from '../core/change.ts';
import type { Facts, SudoFacts } from '../core/facts.ts';
import type { Settings } from '../core/settings.ts';
import { readDuoConf, type DuoConfReading } from './duo-conf.ts';
import { isLegacyDuoModule } from './managed-pam.ts';
import { evaluatePam } from './pam-evaluate.ts';
import { moduleName } from './pam-file.ts';
import { filesAfter, pamFolderOf, sharedFolder, UNREAD_MODULE, withoutLegacyProfile } from './pam-folder.ts';
import type { PamAttempt, PamCall, PamFolder, PamHost, PamStep, PamVerdict } from './pam-situation.ts';
import type { Persona } from './persona.ts';
import { effectiveAfter, effectiveNow, type Effective } from './sshd-after.ts';

/** One host in one state. */
export interface DoorModel {
  readonly host: PamHost;
  /** Effective sshd settings for a persona; empty where `sshd -T` failed. */
  readonly sshd: (persona: Persona) => Effective;
  readonly sudo: SudoFacts;
  /** {@link evaluatePam} on this host, each question answered once. */
  readonly evaluate: (attempt: PamAttempt, call: PamCall) => PamVerdict;
}

/** Where things are on the host: platform/ has them. */
export interface Places {
  readonly pamDir: string;
  readonly duoConfPath: string;
  readonly modulePath: string;
  readonly legacyPackages: readonly string[];
  readonly sshdDropInPath: string;
}

/** The host as it is and as the changes make it; the same model twice where there are none. */
export const doorModels = (
  facts: Facts,
  settings: Settings,
  options: { readonly changes: readonly Change[]; readonly places: Places },
): { readonly before: DoorModel; readonly after: DoorModel } => {
  const { changes, places } = options;
  const dropInIsLive = facts.files[places.sshdDropInPath]?.kind === 'file';
  const before = modelOf(
    facts,
    pamHostNow(facts, facts.files, pamFolderOf(facts.files, places.pamDir), places),
    (persona) => effectiveNow(facts, settings, persona, { dropInIsLive }),
  );
  if (changes.length === 0) return { before, after: before };
  const isSet = changes.some(({ target }) => target === places.sshdDropInPath);
  const after = modelOf(facts, pamHostAfter(facts, changes, places), (persona) =>
    isSet
      ? effectiveAfter(facts, settings, persona, { dropInIsLive })
      : effectiveNow(facts, settings, persona, { dropInIsLive }),
  );
  return { before, after };
};

const modelOf = (facts: Facts, host: PamHost, sshd: DoorModel['sshd']): DoorModel => {
  const settingsOf = new Map<Persona, Effective>();
  return {
    host,
    sudo: facts.sudo,
    sshd: (persona) => {
      const known = settingsOf.get(persona) ?? sshd(persona);
      settingsOf.set(persona, known);
      return known;
    },
    evaluate: remembering(host),
  };
};

/** A walk that met no Duo is the same however Duo answers, which is most of them. */
const remembering = (host: PamHost): DoorModel['evaluate'] => {
  const byAccount = new Map<PamAttempt['account'], Map<string, PamVerdict>>();
  return (attempt, call) => {
    const { service, user, rhost, password, authInfo, duo, account } = attempt;
    const known = byAccount.get(account) ?? new Map<string, PamVerdict>();
    byAccount.set(account, known);
    const question = `${call} ${service} ${password} ${user} ${rhost}\n${authInfo}`;
    const asked = `${question}\n${duo}`;
    const found = known.get(question) ?? known.get(asked);
    if (found !== undefined) return found;
    const verdict = evaluatePam(host, attempt, call);
    known.set(verdict.sure && !verdict.steps.some(asksDuo) ? question : asked, verdict);
    return verdict;
  };
};

/** Whether a step ran Duo's module, by whatever path. */
export const asksDuo = (step: PamStep): boolean => step.answer !== null && namesDuo(step);

/** Whether a line names Duo's module, run or not. */
export const namesDuo = ({ text }: PamStep): boolean =>
  text.includes('pam_duo.so') && text.split(' ').some((word) => moduleName(word) === 'pam_duo.so');

const pamHostNow = (facts: Facts, files: Facts['files'], folder: PamFolder, places: Places): PamHost => ({
  files: sharedFolder(folder),
  nologin: facts.pam.nologin,
  duoConf: confReader(files, places),
  hasModule: (module) => {
    if (module === UNREAD_MODULE) return null;
    if (module === places.modulePath) return facts.moduleError === '';
    if (module.startsWith('/') && !isSearched(module)) return files[module]?.kind === 'file' ? true : null;
    return facts.pam.modules?.includes(moduleName(module)) ?? null;
  },
});

/** Duo's own module is there once the package is, the legacy one is gone with its package and so are its lines. */
const pamHostAfter = (facts: Facts, changes: readonly Change[], places: Places): PamHost => {
  const packages = changes.filter((change) => change.kind === 'packages');
  const purged = packages.some(({ purge }) => places.legacyPackages.some((name) => purge.includes(name)));
  const files = filesAfter(facts, changes);
  const folder = pamFolderOf(files, places.pamDir);
  const host = pamHostNow(
    facts,
    files,
    purged
      ? Object.fromEntries(Object.entries(folder).map(([name, text]) => [name, withoutLegacyProfile(text)]))
      : folder,
    places,
  );
  return {
    ...host,
    hasModule: (module) => {
      if (module === places.modulePath && packages.length > 0) return true;
      return purged && isLegacyDuoModule(module) ? false : host.hasModule(module);
    },
  };
};

/** Folders that libpam on Debian searches for a bare name: an absolute path into one of them names the same file. */
const isSearched = (module: string): boolean => /^(?:\/usr)?\/lib\/(?:[^/]+\/)?security\/[^/]+$/.test(module);

const confReader = (files: Facts['files'], places: Places): PamHost['duoConf'] => {
  const known = new Map<string, DuoConfReading>();
  return (path) => {
    const place = path ?? places.duoConfPath;
    const reading = known.get(place) ?? readOf(files[place]);
    known.set(place, reading);
    return reading;
  };
};

const readOf = (file: Facts['files'][string] | undefined): DuoConfReading =>
  readDuoConf({
    kind: 'pam',
    // A file that was not read counts as an empty one, which lets everybody pass: nothing is taken for safe.
    bytes: file?.kind === 'file' ? (file.text ?? '') : '',
    mode: file?.kind === 'file' ? file.mode : null,
  });

// What the service files of a folder answer where there is no host: nobody is known, and nothing can be typed.
import type { PamCode } from './pam-code.ts';
import { evaluateStack } from './pam-evaluate.ts';
import { tokenize } from './pam-file.ts';
import { fromBytes, PAM_READERS, pamLines } from './pam-lines.ts';
import { answerOfModule } from './pam-modules.ts';
import type { ModuleAnswer, PamFolder, PamKnowledge, PamVerdict } from './pam-situation.ts';

/** What is asked. */
export interface PamFolderQuestion {
  /** Decides over lines that go by the name, such as those of pam_succeed_if. */
  readonly user?: string | undefined;
  /** Only this one, also where another file includes it. */
  readonly service?: string | undefined;
}

/** `explain --pam-dir --json`. */
export interface PamFolderAnswers {
  readonly services: Readonly<
    Record<string, { readonly auth: { readonly result: PamCode; readonly sure: boolean } }>
  >;
}

/** The answer of pam_authenticate(3) for each service of a folder; `result` is the most permissive where it is not sure. */
export const evaluatePamFolder = (files: PamFolder, question: PamFolderQuestion = {}): PamFolderAnswers => ({
  services: Object.fromEntries(
    (question.service === undefined ? pamServices(files) : [question.service]).map((service) => {
      const { result, sure } = evaluateFolderService(files, { service, user: question.user });
      return [service, { auth: { result, sure } }];
    }),
  ),
});

/** Files that no other file includes, whatever type of lines it takes from them: those that a program asks for by name. */
export const pamServices = (files: PamFolder): readonly string[] => {
  const included = new Set(
    Object.entries(files).flatMap(([name, text]) => includesOf(text).filter((target) => target !== name)),
  );
  return Object.keys(files)
    .filter((name) => !included.has(name))
    .toSorted();
};

/** One service's answer and the way to it. */
export const evaluateFolderService = (
  files: PamFolder,
  { service, user }: { readonly service: string; readonly user: string | undefined },
): PamVerdict => {
  const known: PamKnowledge = {
    service,
    user,
    account: undefined,
    password: undefined,
    duo: undefined,
    authInfo: undefined,
    rhost: undefined,
  };
  return evaluateStack(files, service, 'authenticate', (handler, call, handle) => {
    const said = answerOfModule({ host: NO_HOST, known, handler, call, handle });
    return isUsual(handler.module) ? said : { ...said, answer: orMissing(said.answer) };
  });
};

/** A bare name, which libpam looks for where distributions keep its modules; a path or `$ISA` is another place on each. */
const isUsual = (module: string): boolean => !module.includes('/');

/** Without a host nobody knows what lies in a place that is named. */
const orMissing = (answer: ModuleAnswer): ModuleAnswer => ({
  kind: 'unknown',
  codes: [
    ...new Set<PamCode>([
      ...(answer.kind === 'returns' ? [answer.code] : answer.codes),
      'PAM_MODULE_UNKNOWN',
    ]),
  ],
  why: `${answer.why === '' ? '' : `${answer.why}, `}or the module is not in that place`,
});

const NO_HOST = {
  hasModule: () => null,
  duoConf: () => ({ kind: 'broken', failmode: 'safe', line: 0, reason: 'there is no host' }) as const,
  nologin: null,
};

const PAM_D = '/etc/pam.d/';

/** Names after `@include`, `include` and `substack`, as any version of libpam reads the file. */
const includesOf = (text: string): readonly string[] =>
  PAM_READERS.flatMap((reader) => pamLines(text, reader).lines).flatMap((line) => {
    const [first = '', second, third] = tokenize(line.text);
    const control = second?.toLowerCase();
    const target =
      first.replace(/^-/, '').toLowerCase() === '@include'
        ? second
        : control === 'include' || control === 'substack'
          ? third
          : undefined;
    if (target === undefined) return [];
    const path = fromBytes(target);
    return [path.startsWith(PAM_D) ? path.slice(PAM_D.length) : path];
  });

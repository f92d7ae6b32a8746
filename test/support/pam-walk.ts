// A walk through a PAM stack as libpam takes it, enough for the stacks that we write: jumps, requisite, sufficient, done, die.
import { parsePamFile, moduleName, type PamRule } from '../../src/auth/pam-file.ts';

export type ModuleAnswer = 'success' | 'ignore' | 'error';

/** What a module says; arguments are the rule's own. */
export type Answers = (name: string, rule: PamRule) => ModuleAnswer;

export interface Walk {
  readonly result: 'success' | 'error';
  /** Modules in the order they were called. */
  readonly called: readonly string[];
}

/** The auth rules of a service file, `@include` expanded. */
export const authRules = (text: string, files: Readonly<Record<string, string>>): readonly PamRule[] =>
  parsePamFile(text).lines.flatMap(({ says }): readonly PamRule[] => {
    if (says.kind === 'include') {
      const included = files[says.file];
      if (included === undefined) throw new Error(`no file ${says.file}`);
      return authRules(included, files);
    }
    return says.kind === 'rule' && says.type === 'auth' ? [says] : [];
  });

/** libpam/pam_dispatch.c, without substacks: `error` for a bad jump and where nobody said success. */
export const walkAuth = (rules: readonly PamRule[], answers: Answers): Walk => {
  const called: string[] = [];
  let impression: 'none' | 'good' | 'bad' = 'none';
  for (let at = 0; at < rules.length; at += 1) {
    const rule = rules[at];
    if (rule === undefined) break;
    const name = moduleName(rule.module);
    called.push(name);
    const answer = answers(name, rule);
    const action = actionOf(rule.control, answer);
    if (typeof action === 'number') {
      // A jump past the last module is "bad jump in stack": it fails.
      if (at + action >= rules.length - 1) return { result: 'error', called };
      at += action;
      continue;
    }
    if (action === 'die') return { result: 'error', called };
    if (action === 'bad') impression = 'bad';
    if ((action === 'ok' || action === 'done') && impression === 'none') {
      impression = answer === 'success' ? 'good' : 'bad';
    }
    if (action === 'done' && impression === 'good') break;
  }
  return { result: impression === 'good' ? 'success' : 'error', called };
};

type Action = 'ok' | 'done' | 'bad' | 'die' | 'ignore' | number;

const SIMPLE: Readonly<Record<string, Readonly<Record<ModuleAnswer, Action>>>> = {
  required: { success: 'ok', ignore: 'ignore', error: 'bad' },
  requisite: { success: 'ok', ignore: 'ignore', error: 'die' },
  sufficient: { success: 'done', ignore: 'ignore', error: 'ignore' },
  optional: { success: 'ok', ignore: 'ignore', error: 'ignore' },
};

const actionOf = (control: string, answer: ModuleAnswer): Action => {
  const simple = SIMPLE[control];
  if (simple !== undefined) return simple[answer];
  const pairs = new Map(control.split(/\s+/).map((pair) => pair.split('=') as [string, string]));
  const word = pairs.get(answer) ?? pairs.get('default') ?? 'bad';
  return /^\d+$/.test(word) ? Number(word) : (word as Action);
};

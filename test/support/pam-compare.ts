// Our model of PAM and the real libpam of this machine, side by side on the same stacks.
import type { PamCode } from '../../src/auth/pam-code.ts';
import { ALL_CODES } from '../../src/auth/pam-control.ts';
import { evaluateService } from '../../src/auth/pam-evaluate.ts';
import type { PamReader } from '../../src/auth/pam-lines.ts';
import { answerOfModule } from '../../src/auth/pam-modules.ts';
import type { PamCall, PamVerdict } from '../../src/auth/pam-situation.ts';
import { readPamService } from '../../src/auth/pam-stack.ts';
import { askLibpam } from './ask-libpam.ts';
import { randomScene, type PamScene } from './pam-random.ts';

export interface Disagreement {
  readonly number: number;
  readonly scene: PamScene;
  readonly call: PamCall;
  readonly libpam: PamCode;
  readonly model: Pick<PamVerdict, 'result' | 'sure' | 'possible'>;
}

export interface Comparison {
  readonly disagreements: readonly Disagreement[];
  /** Questions to which the model had one certain answer, of all. */
  readonly sure: number;
  readonly questions: number;
  /** How often libpam let pass. */
  readonly successes: number;
}

/** Scenes `from` to `from + count - 1` of a seed. */
export const compareScenes = async (options: {
  readonly seed: number;
  readonly count: number;
  readonly from?: number;
  /** Another machine's root folder, whose libpam is asked then; it has python3. */
  readonly root?: string;
}): Promise<Comparison> => {
  const { seed, count, from = 0, root = '' } = options;
  const numbers = Array.from({ length: count }, (_, at) => from + at);
  const scenes = numbers.map((number) => randomScene(seed, number));
  const said = await askLibpam([PROBE, ...scenes], { root });
  const reader: PamReader = said[0]?.authenticate === 'PAM_SUCCESS' ? 'to-1.5' : 'from-1.6';
  const disagreements: Disagreement[] = [];
  let certain = 0;
  let successes = 0;
  for (const [at, scene] of scenes.entries()) {
    for (const call of CALLS) {
      const libpam = said[at + 1]?.[call];
      if (libpam === undefined) throw new Error('libpam gave no answer');
      const model = modelOf(scene, call, { reader, blind: false });
      const blind = modelOf(scene, call, { reader, blind: true });
      if (model.sure) certain += 1;
      if (libpam === 'PAM_SUCCESS') successes += 1;
      const wrong = [model, blind].find(({ possible }) => !possible.includes(libpam));
      if (wrong === undefined) continue;
      const { result, sure, possible } = wrong;
      disagreements.push({
        number: from + at,
        scene,
        call,
        libpam,
        model: { result, sure, possible },
      });
    }
  }
  return { disagreements, sure: certain, questions: scenes.length * CALLS.length, successes };
};

/** Up to 1.5 libpam passes over a comment after a backslash, from 1.6 on it ends the line. */
const PROBE: PamScene = {
  files: { probe: 'auth required \\\n# a comment\n pam_permit.so\n' },
  service: 'probe',
};

const CALLS: readonly PamCall[] = ['authenticate', 'setcred', 'setcred-alone', 'acct_mgmt'];

/** With `blind` it does not know the modules of every third line, and what libpam says must be among what it leaves open. */
const modelOf = (
  { files, service }: PamScene,
  call: PamCall,
  { reader, blind }: { readonly reader: PamReader; readonly blind: boolean },
): PamVerdict => {
  const known = {
    service,
    user: 'nobody',
    account: undefined,
    password: 'none',
    duo: undefined,
    authInfo: '',
    rhost: '',
  } as const;
  const host = {
    hasModule: (module: string) => THERE.test(module),
    duoConf: () => {
      throw new Error('no stack here has pam_duo');
    },
    nologin: null,
  };
  return evaluateService(readPamService(files, service, reader), {
    service,
    call,
    ask: (handler, of, handle) => {
      const said = answerOfModule({ host, known, handler, call: of, handle });
      if (!blind || handler.line % 3 !== 0) return said;
      return { ...said, answer: { kind: 'unknown', codes: ALL_CODES, why: '' } };
    },
  });
};

/** Of the modules that random stacks name, those that a machine has. */
const THERE = /^pam_(?:debug|permit|deny|limits|warn)\.so$/;

// The JSON of `explain` for one host. Fields are never renamed or taken away.
import type { Explained, ExplainedWay, Explanation } from '../auth/explanation.ts';
import type { PamStep, PamVerdict } from '../auth/pam-situation.ts';
import type { SudoDoor } from '../auth/persona.ts';
import type { FailureReport } from '../core/failure.ts';
import { shown } from './words.ts';

/** What was asked. */
export interface ExplainAsked {
  readonly host: string;
  readonly user: string | null;
  /** `null`: both. */
  readonly service: 'sshd' | 'sudo' | null;
  readonly planned: boolean;
}

/**
 * `{"host", "state": "live"|"planned", "user", "notes", "failure", "standings": [{"persona", "user", "isReal", "from",
 * "duo", "ssh": {...}, "sudo": {...}}]}`, one standing for each persona and answer of Duo. After a failure there are none.
 */
export const explainDocument = (outcome: Explanation | FailureReport, asked: ExplainAsked): object => {
  const head = { host: asked.host, state: asked.planned ? 'planned' : 'live', user: asked.user };
  if ('reason' in outcome) {
    const { step, reason, message } = outcome;
    return { ...head, notes: [], failure: { step, reason, message: shown(message) }, standings: [] };
  }
  return {
    ...head,
    notes: outcome.notes.map(shown),
    failure: null,
    standings: outcome.personas.flatMap((explained) =>
      explained.ways.map((way) => standingOf(explained, way, asked.service)),
    ),
  };
};

const standingOf = (
  { persona, lists }: Explained,
  way: ExplainedWay,
  service: ExplainAsked['service'],
): object => {
  const { duo, ssh, shutOut, sudo } = way.standing;
  return {
    persona: persona.kind,
    user: persona.isReal ? shown(persona.user) : null,
    isReal: persona.isReal,
    from: shown(persona.address),
    duo,
    ...(service === 'sudo'
      ? {}
      : {
          ssh: {
            shutOut: shown(shutOut),
            methods: lists.map((list) => list.map((method) => shown(method))),
            doors: ssh.map(({ methods, proofs, sure }) => ({
              methods: methods.map((method) => shown(method)),
              proofs,
              sure,
            })),
            pam: pamOf(way.ssh),
          },
        }),
    ...(service === 'sshd' ? {} : { sudo: { ...sudoOf(sudo), pam: pamOf(way.sudo) } }),
  };
};

const sudoOf = (door: SudoDoor): object => {
  switch (door.kind) {
    case 'not-allowed':
      return { kind: door.kind };
    case 'asks-nothing':
      return { kind: door.kind, rule: shown(door.rule) };
    case 'asks':
      return { kind: door.kind, ways: door.ways.map(({ proofs, sure }) => ({ proofs, sure })) };
    case 'unknown':
      return { kind: door.kind, why: shown(door.why) };
    default:
      return door satisfies never;
  }
};

const pamOf = (verdict: PamVerdict | null): object | null =>
  verdict === null
    ? null
    : {
        result: verdict.result,
        sure: verdict.sure,
        possible: verdict.possible,
        steps: verdict.steps.map(stepOf),
      };

const stepOf = ({ file, line, text, depth, answer, action }: PamStep): object => ({
  file: shown(file),
  line,
  text: shown(text),
  depth,
  /** Several where it is not known which; none where the line was not run. */
  codes: answer === null ? [] : answer.kind === 'returns' ? [answer.code] : answer.codes,
  why: shown(answer?.why ?? ''),
  action,
});

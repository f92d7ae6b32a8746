// A line for each thing that ended: for logs, pipes, many hosts, and whoever likes to grep.
import type { RecordedEvent, TaskId } from '../core/event.ts';
import type { HostResult } from '../core/verdict.ts';
import type { Rollout } from '../core/wave.ts';
import type { Paint } from './paint.ts';
import type { View } from './view.ts';
import { isWaveTrouble, waveEventText } from './wave-words.ts';
import { paintVerdict, secondsText, shown, whyNot } from './words.ts';

const HOST_WIDTH_MAX = 28;
/** As wide as the longest row name, `duo-repository`. */
const TASK_WIDTH = 14;

/**
 * Lines such as `web1  rehearse        ok      0.8s  3 logins`: host, row, outcome (`ok`, `FAILED`, `note`, or a verdict
 * in the row `verdict`), time, words. The first columns are stable: scripts may cut them.
 */
export const plainView = (
  write: (line: string) => void,
  options: { readonly hosts: readonly string[]; readonly paint: Paint },
): View => {
  const hostWidth = Math.min(HOST_WIDTH_MAX, Math.max(4, ...options.hosts.map((host) => host.length)));
  const startedAt = new Map<string, number>();
  /** What was said last of each host's failure: a row around a failed row, and the verdict, need not say it again. */
  const told = new Map<string, string>();
  const { paint } = options;
  let rollout: Rollout | null = null;

  const line = (host: string, task: string, outcome: string, rest: string): void => {
    write(`${shown(host).padEnd(hostWidth)}  ${task.padEnd(TASK_WIDTH)}  ${outcome}  ${rest}`.trimEnd());
  };
  const sinceStart = (host: string, task: TaskId, at: number): string => {
    const key = `${host} ${task}`;
    const began = startedAt.get(key);
    startedAt.delete(key);
    return secondsText(at - (began ?? at)).padStart(6);
  };

  const show = (event: RecordedEvent): void => {
    switch (event.type) {
      case 'task-started':
        startedAt.set(`${event.host} ${event.task}`, event.at);
        return;
      case 'task-ended':
        line(
          event.host,
          event.task,
          paint.good('ok    '),
          `${sinceStart(event.host, event.task, event.at)}  ${shown(event.note)}`,
        );
        return;
      case 'task-failed': {
        const { message } = event.failure;
        const known = told.get(event.host) === message;
        told.set(event.host, message);
        line(
          event.host,
          event.task,
          paint.bad('FAILED'),
          `${sinceStart(event.host, event.task, event.at)}  ${known ? 'as above' : shown(message)}`,
        );
        return;
      }
      case 'noted':
        line(event.host, 'note', 'note  ', `${' '.repeat(6)}  ${shown(event.note)}`);
        return;
      case 'host-ended':
        line(
          event.result.host,
          'verdict',
          paintVerdict(event.result.verdict, paint),
          `${secondsText(event.result.durationMs)}  ${shown(whatElse(event.result, told.get(event.result.host)))}`,
        );
        return;
      case 'interrupted':
        write(
          paint.warn(`${event.signal}: no new host is started; those under way are brought to their end`),
        );
        return;
      case 'run-started':
        rollout = event.rollout ?? null;
        return;
      case 'wave-started':
      case 'bake-started':
      case 'bake-ended':
      case 'wave-ended':
      case 'gate': {
        const text = waveEventText(event, rollout);
        if (text !== '') write(isWaveTrouble(event) ? paint.warn(text) : paint.bold(text));
        return;
      }
      case 'run-ended':
      case 'host-started':
      case 'planned':
      case 'judged':
      case 'claimed':
      case 'settled':
        return;
      default:
        event satisfies never;
    }
  };
  return { show, say: (text) => write(text), close: () => Promise.resolve() };
};

/** Why a host did not reach its goal, without what its failed row said already: most often the state that it is in now. */
const whatElse = (result: HostResult, told: string | undefined): string => {
  const why = whyNot(result);
  if (told === undefined || !why.startsWith(told)) return why;
  return why.slice(told.length).replace(/^[.;]? */, '');
};

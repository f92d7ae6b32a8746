// What the service files of a folder answer, for people.
import { moduleName } from '../auth/pam-file.ts';
import type { PamVerdict } from '../auth/pam-situation.ts';
import type { Paint } from './paint.ts';
import { textTable, type Cell } from './text-table.ts';
import { shown } from './words.ts';

/** Other answers that are named in a cell; the walk of one service names all. */
const OTHERS_SHOWN_MAX = 3;

/** A table of the services by name, each with its answer. */
export const explainFolderLines = (
  verdicts: ReadonlyMap<string, PamVerdict>,
  style: { readonly width: number; readonly paint: Paint },
): readonly string[] =>
  verdicts.size === 0
    ? ['There is no service file in this folder.']
    : textTable(
        ['SERVICE', 'AUTH ANSWERS', 'SURE'],
        [...verdicts].map(([service, verdict]): readonly Cell[] => [
          { text: shown(service) },
          { text: verdict.result, ...(verdict.sure ? {} : { tone: 'warn' }) },
          { text: verdict.sure ? 'yes' : unsure(verdict) },
        ]),
        style,
      );

const unsure = ({ result, possible, steps }: PamVerdict): string => {
  const others = possible.filter((code) => code !== result);
  const or =
    others.length > OTHERS_SHOWN_MAX ? 'nearly anything' : others.length === 0 ? '' : others.join(' or ');
  const modules = [
    ...new Set(
      steps
        .filter(({ answer }) => answer?.kind === 'unknown')
        .map(({ text }) => shown(moduleName(text.split(' ').find((word) => word.includes('pam_')) ?? text))),
    ),
  ];
  const because = modules.length === 0 ? '' : ` (${modules.join(', ')})`;
  return `no${or === '' ? '' : `: or ${or}`}${because}`;
};

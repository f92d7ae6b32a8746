// `explain --pam-dir`: what the service files of a folder answer, without a host.
import { evaluateFolderService, evaluatePamFolder, pamServices } from '../auth/evaluate-pam-folder.ts';
import type { PamFolder } from '../auth/pam-situation.ts';
import { explainFolderLines } from '../view/explain-folder-lines.ts';
import { walkLines } from '../view/explain-walk.ts';
import type { Ending } from './ending.ts';
import { EXPLAIN_WIDTH_MAX, type ExplainOptions } from './explain-options.ts';
import { paintOf } from './paint-of.ts';
import { readPamFolder } from './read-pam-folder.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

type FolderOptions = Extract<ExplainOptions, { readonly kind: 'folder' }>;

/** @throws UsageError where the folder or a file in it cannot be read, or has no such service */
export const explainFolder = async (options: FolderOptions, surroundings: Surroundings): Promise<Ending> => {
  const files = await readPamFolder(options.folder);
  const { service } = options;
  const user = options.user ?? undefined;
  if (service !== null) mustHave(files, service, options.folder);
  const { stdout } = surroundings;
  if (options.json) {
    const answers = evaluatePamFolder(files, { user, service: service ?? undefined });
    await stdout.write(`${JSON.stringify(answers)}\n`);
    return { exitCode: 0, endNow: false };
  }
  const style = {
    width: Math.min(EXPLAIN_WIDTH_MAX, stdout.size().columns),
    paint: paintOf(stdout, surroundings),
  };
  const verdictOf = (name: string) => evaluateFolderService(files, { service: name, user });
  const lines =
    service === null
      ? explainFolderLines(new Map(pamServices(files).map((name) => [name, verdictOf(name)])), style)
      : walkLines(verdictOf(service), style);
  await stdout.write(`${lines.join('\n')}\n`);
  return { exitCode: 0, endNow: false };
};

/** libpam looks for a service's name in lower case, and goes by `other` where there is none; whoever names one wants that one. */
const mustHave = (files: PamFolder, service: string, folder: string): void => {
  if (Object.hasOwn(files, service)) return;
  const instead = Object.hasOwn(files, 'other')
    ? '; libpam would go by other (--service other)'
    : '; libpam would refuse everybody';
  throw new UsageError(`${folder} has no file ${JSON.stringify(service)}${instead}`);
};

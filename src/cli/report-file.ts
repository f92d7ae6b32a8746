// --report and --output: a document in a file, whole or not at all.
import { open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './surroundings.ts';

const REPORT_MODE = 0o640;

/** A report's place, taken before anything is touched. */
export interface ReportFile {
  /** Writes the document under its name. @throws Error of the file system */
  readonly write: (text: string) => Promise<void>;
  /** Leaves nothing behind. */
  readonly discard: () => Promise<void>;
}

/**
 * Opens a file beside the report's place, so that a folder that is not there is told before the run and not after it. Behind a
 * link it is the linked file that is replaced; a device, a pipe or a folder never is.
 * @throws UsageError
 */
export const openReportFile = async (
  path: string,
  { run, flag }: { readonly run: string; readonly flag: 'report' | 'output' | 'out' },
): Promise<ReportFile> => {
  const place = await realpath(path).catch(() => path);
  const there = await stat(path).catch(() => null);
  if (there !== null && !there.isFile()) {
    throw new UsageError(`--${flag} ${path}: it is there, and no ordinary file`);
  }
  const beside = join(dirname(place), `.${basename(place)}.${run}`);
  const file = await open(beside, 'wx', REPORT_MODE).catch((thrown: unknown) => {
    throw new UsageError(`--${flag} ${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  });
  return {
    write: async (text) => {
      await file.writeFile(text);
      await file.sync();
      await file.close();
      await rename(beside, place);
    },
    discard: async () => {
      await file.close().catch(() => undefined);
      await unlink(beside).catch(() => undefined);
    },
  };
};

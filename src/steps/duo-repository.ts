// Duo's apt repository: its key, trusted for it alone, and one source file.
import type { Settings } from '../core/settings.ts';
import type { Finding } from '../core/finding.ts';
import type { Platform } from '../platform/debian.ts';
import { absentChange, fileChange } from './file-change.ts';
import { breach, textOf, type Step, type StepContext } from './step.ts';

const STEP = 'duo-repository';

/** Where older set-ups put Duo's key, trusted for every repository of the host. */
const GLOBAL_KEYS: readonly string[] = ['/etc/apt/trusted.gpg.d/duo.gpg', '/etc/apt/trusted.gpg.d/duo.asc'];

/** Names under which the repository is often written; a file under another name is a finding instead of a change. */
const OTHER_SOURCES: readonly string[] = [
  'duosecurity.sources',
  'duo.list',
  'duo.sources',
  'duo-security.list',
  'duo-security.sources',
  'duo_unix.list',
  'duo-unix.list',
  'duounix.list',
  'pkg_duosecurity_com_Debian.list',
  'pkg_duosecurity_com_Ubuntu.list',
].map((name) => `/etc/apt/sources.list.d/${name}`);

/** `deb [arch=amd64 signed-by=KEYRING] URL/Debian bookworm main`; sources.list(5). */
export const sourceLine = (settings: Settings, platform: Platform, keyring: string): string =>
  `deb [arch=${platform.architecture} signed-by=${keyring}] ${repositoryUrl(settings, platform)} ${platform.codename} main`;

/** The repository of this platform: `https://pkg.duosecurity.com/Debian`. */
export const repositoryUrl = (settings: Settings, platform: Platform): string =>
  `${settings.repository.url}/${platform.repositoryPath}`;

export const duoRepository: Step = {
  id: STEP,
  title: 'Duo repository',
  reads: (_settings, platform) => ({
    files: [
      { path: platform.keyringPath, text: false },
      { path: platform.sourceListPath, text: true },
      ...GLOBAL_KEYS.map((path) => ({ path, text: false })),
      ...OTHER_SOURCES.map((path) => ({ path, text: true })),
    ],
  }),
  changes: (context) => [
    ...fileChange(context, {
      step: STEP,
      path: context.platform.keyringPath,
      content: context.keyring,
      mode: 0o644,
    }),
    ...fileChange(context, {
      step: STEP,
      path: context.platform.sourceListPath,
      content: context.render('duo-list', {
        line: sourceLine(context.settings, context.platform, context.platform.keyringPath),
      }),
      mode: 0o644,
    }),
    ...foreignSources(context)
      .filter(({ holds }) => holds === 'only')
      .flatMap(({ path }) =>
        absentChange(
          context,
          STEP,
          path,
          `names the Duo repository beside ${context.platform.sourceListPath}`,
        ),
      ),
    ...GLOBAL_KEYS.flatMap((path) =>
      absentChange(context, STEP, path, 'has apt trust the Duo key for every repository of the host'),
    ),
  ],
  findings: (context) =>
    foreignSources(context).flatMap(({ path, holds }): readonly Finding[] => {
      const ours = `duo-fleet keeps the repository in ${context.platform.sourceListPath}`;
      switch (holds) {
        case 'only':
          return [];
        case 'mixed':
          return [
            breach(
              'duo-source-mixed',
              `${path} names the Duo repository among others; take its lines out of the file, ${ours}`,
            ),
          ];
        case 'unread':
          return [
            breach(
              'duo-source-elsewhere',
              `${path} names the Duo repository a second time; take its lines out of the file, ${ours}`,
            ),
          ];
        default:
          return holds satisfies never;
      }
    }),
};

interface ForeignSource {
  readonly path: string;
  /** `only` this repository is in it; `mixed` with others; `unread`: not a file that we look into. */
  readonly holds: 'only' | 'mixed' | 'unread';
}

/**
 * Other source files that name the repository, and what else is in them. What was observed are the lines that name it,
 * so that the rest is looked for in the text: a file goes only if nothing else goes with it.
 */
const foreignSources = ({ facts, settings, platform }: StepContext): readonly ForeignSource[] =>
  Object.entries(facts.duoSources)
    .filter(([path, lines]) => path !== platform.sourceListPath && lines.length > 0)
    .map(([path, lines]) => {
      const text = textOf(facts, path);
      const active = [...lines, ...(text ?? '').split('\n').filter((line) => /^[ \t]*[^# \t]/.test(line))];
      if (!active.every((line) => namesOnlyDuo(line, settings))) return { path, holds: 'mixed' };
      return { path, holds: text === null ? 'unread' : 'only' };
    });

/** Whether a one-line source, or a field of a deb822 stanza, has no other address than Duo's. */
const namesOnlyDuo = (line: string, settings: Settings): boolean => {
  const addresses = line.match(/[a-z][a-z0-9+.-]*:\/?\/?[^\s\]]+/g) ?? [];
  const isField = /^[A-Za-z-]+:/.test(line) || /^\s/.test(line);
  const urls = addresses.filter((address) => address.includes('/'));
  if (urls.length === 0) return isField;
  return urls.every((url) => isDuoUrl(url, settings));
};

const isDuoUrl = (url: string, settings: Settings): boolean =>
  url.startsWith(`${settings.repository.url}/`) || /^https?:\/\/pkg\.duosecurity\.com(?:\/|$)/.test(url);

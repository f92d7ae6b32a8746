// Duo's own package in, the distribution's outdated ones out, in one transaction.
import { compareDebianVersions } from '../core/debian-version.ts';
import type { PackageFacts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { breach, type Step, type StepContext } from './step.ts';
import { repositoryUrl, sourceLine } from './duo-repository.ts';

/** Older ones do not know the certificate authorities that Duo's cloud has used since 2026 (CHANGES of duo_unix, 2.1.0). */
export const DUO_VERSION_MIN = '2.1.0';

/** The library that comes with the legacy packages; trixie renamed it for 64-bit time. */
const LEGACY_LIBRARIES: readonly string[] = ['libduo3', 'libduo3t64'];

/** Stands for the transaction's own copy of the key in a source line; see core/change.ts. */
const KEYRING = 'KEYRING';

/** Free space in KiB that a path needs before packages are downloaded, unpacked and kept for the way back. */
const SPACE_MIN_KIB: Readonly<Record<string, number>> = {
  '/etc': 2048,
  '/usr': 20_480,
  '/var/lib': 51_200,
  '/run': 1024,
};
const INODES_MIN = 200;

export const packages: Step = {
  id: 'packages',
  title: 'Duo packages',
  reads: (_settings, platform) => ({
    packages: [platform.duoPackage, ...platform.legacyPackages, ...LEGACY_LIBRARIES],
    spacePaths: Object.keys(SPACE_MIN_KIB),
  }),
  changes: (context) => {
    const { facts, settings, platform, keyring } = context;
    const purge = legacyPresent(context);
    const why = [
      ...duoReasons(context),
      ...purge
        .filter((name) => facts.packages[name]?.status !== 'config-files')
        .map(
          (name) =>
            `${name} ${facts.packages[name]?.version ?? ''} is there (${facts.packages[name]?.status ?? ''}): it is the distribution's outdated one`,
        ),
    ];
    if (why.length === 0) return [];
    return [
      {
        kind: 'packages',
        step: 'packages',
        target: platform.duoPackage,
        why,
        install: [platform.duoPackage],
        purge,
        minimumVersion: DUO_VERSION_MIN,
        sourceLine: sourceLine(settings, platform, KEYRING),
        keyring,
      },
    ];
  },
  findings: (context) => [
    ...(packages.changes(context).length === 0 ? [] : noexecFindings(context)),
    ...spaceFindingsOf(context),
  ],
};

/** No room to work in, or a package operation that somebody has to finish first. */
export const spaceFindingsOf = ({ facts }: Pick<StepContext, 'facts'>): readonly Finding[] => [
  ...(facts.dpkgInterrupted
    ? [
        breach(
          'dpkg-interrupted',
          'an earlier package operation was interrupted (dpkg --audit says so); finish it: dpkg --configure -a',
        ),
      ]
    : []),
  ...Object.entries(facts.space).flatMap(([path, space]) => spaceFindings(path, space)),
];

/** `config-files` counts: the purge takes what a removal left behind too. By itself it is no reason for one. */
const isPresent = (facts: PackageFacts | undefined): boolean =>
  facts !== undefined && facts.status !== 'not-installed';

const legacyPresent = ({ facts, platform }: StepContext): readonly string[] =>
  [...platform.legacyPackages, ...LEGACY_LIBRARIES].filter((name) => isPresent(facts.packages[name]));

const duoReasons = ({ facts, settings, platform }: StepContext): readonly string[] => {
  const duo = facts.packages[platform.duoPackage];
  if (duo === undefined || !isPresent(duo)) return ['is not installed'];
  if (duo.status !== 'installed') return [`is ${duo.status}, should be installed`];
  const url = repositoryUrl(settings, platform);
  return [
    ...(compareDebianVersions(duo.version, DUO_VERSION_MIN) < 0
      ? [`version is ${duo.version}, should be ${DUO_VERSION_MIN} or newer`]
      : []),
    ...(duo.origins.some((origin) => origin === url || origin.startsWith(`${url}/`))
      ? []
      : [
          `does not come from ${url} (${duo.origins.join(', ') || 'no repository that the host knows has it'})`,
        ]),
    ...moduleReason(facts.moduleError, platform.modulePath),
  ];
};

/** On a noexec /var dpkg runs no package's scripts: installing fails half-way, and so would putting back. */
export const noexecFindings = ({ facts }: Pick<StepContext, 'facts'>): readonly Finding[] =>
  facts.dpkgScriptsRun
    ? []
    : [
        breach(
          'packages-noexec',
          '/var/lib/dpkg/info is on a filesystem mounted noexec, so that dpkg can run no script of a package, not to put one back either; for the time of the run: mount -o remount,exec /var',
        ),
      ];

const moduleReason = (error: string | null, path: string): readonly string[] => {
  if (error === null) return [`its module ${path} is missing`];
  return error === '' ? [] : [`its module ${path} does not load: ${error}`];
};

const spaceFindings = (
  path: string,
  space: { readonly freeKiB: number; readonly freeInodes: number; readonly readOnly: boolean },
) => {
  const minKiB = SPACE_MIN_KIB[path];
  if (minKiB === undefined) return [];
  if (space.readOnly)
    return [breach('read-only', `${path} is mounted read-only; nothing can be written there`)];
  if (space.freeKiB < minKiB) {
    return [breach('no-space', `${path} has ${space.freeKiB} KiB free, ${minKiB} KiB are needed; make room`)];
  }
  return space.freeInodes < INODES_MIN
    ? [
        breach(
          'no-inodes',
          `${path} has ${space.freeInodes} inodes free, ${INODES_MIN} are needed; make room`,
        ),
      ]
    : [];
};

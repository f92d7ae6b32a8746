// What the steps for sshd's and sudo's PAM services have in common: the kept base, the file, and what stands in the way.
import type { Change, StepId } from '../core/change.ts';
import type { Finding } from '../core/finding.ts';
import { GUARD_HOME } from '../core/remote.ts';
import { isLegacyDuoModule, managedPam, type ManagedPam } from '../auth/managed-pam.ts';
import { moduleName, parsePamFile } from '../auth/pam-file.ts';
import { pamAuthUpdateLines } from '../auth/pam-folder.ts';
import type { Platform } from '../platform/debian.ts';
import { fileChange } from './file-change.ts';
import { breach, textOf, type Reads, type StepContext } from './step.ts';

/** Where the file as it was without us is kept, 0600. */
export const basePath = (service: string): string => `${GUARD_HOME}/base/${service}`;

const servicePath = (platform: Platform, service: string): string => `${platform.pamDir}/${service}`;

/** Files that our stacks go on to; a Duo line in one of them would be met by whom we let past Duo. */
const COMMON_FILES: readonly string[] = [
  'common-auth',
  'common-account',
  'common-session',
  'common-session-noninteractive',
  'common-password',
];

export const readsOfServices = (platform: Platform, services: readonly string[]): Reads => ({
  files: [
    ...services.flatMap((service) => [
      { path: servicePath(platform, service), text: true },
      { path: basePath(service), text: true },
    ]),
    ...COMMON_FILES.map((name) => ({ path: servicePath(platform, name), text: true })),
  ],
});

/** The base, where it is not kept yet, and the service's file: both or neither, the base first; nothing without auth lines. */
export const serviceChanges = (
  context: StepContext,
  step: StepId,
  service: string,
  authBlock: string | null,
): readonly Change[] => {
  if (authBlock === null) return [];
  const managed = managedService(context, service, authBlock);
  if (managed === null || typeof managed === 'string' || managed.problems.length > 0) return [];
  return [
    ...fileChange(context, { step, path: basePath(service), content: managed.base, mode: 0o600 }),
    ...fileChange(context, {
      step,
      path: servicePath(context.platform, service),
      content: managed.declared,
      mode: 0o644,
    }),
  ];
};

/** Lines of the service's file that stand in the way, each with its place; a missing file where `required`. */
export const serviceFindings = (
  context: StepContext,
  service: string,
  authBlock: string | null,
  { required }: { readonly required: boolean },
): readonly Finding[] => {
  const live = servicePath(context.platform, service);
  const managed = managedService(context, service, authBlock ?? '');
  if (managed === null) {
    return required
      ? [breach('pam-file-missing', `${live} is missing; put back the one of the package that ships it`)]
      : [];
  }
  if (typeof managed === 'string') return [breach('pam-file-unreadable', managed)];
  const path = managed.origin === 'kept' ? basePath(service) : live;
  return managed.problems.map(({ line, message }) => breach('pam-line', `${path}:${line}: ${message}`));
};

/** The managed file, `null` where there is nothing to manage, or a sentence why it cannot be worked with. */
const managedService = (
  context: StepContext,
  service: string,
  authBlock: string,
): ManagedPam | string | null => {
  const live = readable(context, servicePath(context.platform, service));
  const kept = readable(context, basePath(service));
  if (live !== null && 'unreadable' in live) return live.unreadable;
  if (kept !== null && 'unreadable' in kept) return kept.unreadable;
  const header = context.render('pam-header', { basePath: basePath(service) });
  return managedPam({ live: live?.text ?? null, kept: kept?.text ?? null, header, authBlock });
};

/** A file's whole text, or why it cannot be had: what we write back has to be every byte of it. */
const readable = (
  { facts, sha256 }: StepContext,
  path: string,
): { readonly text: string } | { readonly unreadable: string } | null => {
  const file = facts.files[path];
  if (file === undefined || file.kind === 'absent') return null;
  if (file.kind === 'other') return { unreadable: `${path} is ${file.what}, should be a plain file` };
  if (file.text === null) {
    return { unreadable: `${path} is too large or not text, so its lines cannot be kept` };
  }
  // The host masks what looks like a secret before it leaves; such a text is not the file's.
  return sha256(new TextEncoder().encode(file.text)) === file.sha256
    ? { text: file.text }
    : { unreadable: `${path} holds what looks like a secret or is not UTF-8, so its lines cannot be kept` };
};

/** Duo lines in the files that all services share, save those that go with the outdated package itself. */
export const commonFindings = (context: StepContext): readonly Finding[] =>
  COMMON_FILES.flatMap((name) => {
    const path = servicePath(context.platform, name);
    const text = textOf(context.facts, path);
    if (text === null) {
      return name === 'common-auth'
        ? [breach('pam-file-missing', `${path} cannot be read; our stacks end in it`)]
        : [];
    }
    const managedBlock = pamAuthUpdateLines(text);
    return parsePamFile(text).lines.flatMap(({ line, says }) => {
      if (says.kind !== 'rule' || moduleName(says.module) !== 'pam_duo.so') return [];
      const goesWithPackage =
        managedBlock.has(line) && isLegacyDuoModule(says.module) && isInstalled(context, 'libpam-duo');
      return goesWithPackage
        ? []
        : [
            breach(
              'pam-duo-in-common',
              `${path}:${line}: names ${says.module}, so whoever goes past Duo in duo-fleet's stacks would meet it there; remove the line`,
            ),
          ];
    });
  });

const isInstalled = ({ facts }: StepContext, name: string): boolean =>
  facts.packages[name]?.status === 'installed';

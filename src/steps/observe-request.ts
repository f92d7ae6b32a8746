// What all steps want read of a host, joined into the one request of its one round trip.
import { parseAddress } from '../core/ip-address.ts';
import type { ObserveRequest } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { platformOf, type Platform } from '../platform/debian.ts';
import { STEPS } from './index.ts';
import type { Step } from './step.ts';

/** An address that nobody logs in from (RFC 5737), where ours is not known: behind a jump host. */
const DOCUMENTATION_ADDRESS = '198.51.100.1';

/** A user that no host has, for the settings that hold for everybody. */
const NOBODY = 'duo-fleet-nobody';

/**
 * The request for one host.
 * @param options.sourceAddress our address as the host sees it; '' or absent where it is not known
 */
export const makeObserveRequest = (
  settings: Settings,
  options: { readonly sourceAddress?: string; readonly steps?: readonly Step[] } = {},
): ObserveRequest => {
  const platform = nominalPlatform();
  const reads = (options.steps ?? STEPS).map((step) => step.reads(settings, platform));
  const named = [
    settings.connection.user,
    'root',
    ...(settings.breakGlass === null ? [] : [settings.breakGlass.user]),
    ...settings.keyOnlyUsers,
    ...(settings.canary === null ? [] : [settings.canary.user]),
  ];
  return {
    packages: unique(reads.flatMap((read) => read.packages ?? [])),
    files: joinFiles(reads.flatMap((read) => read.files ?? [])),
    groups: unique([
      settings.serverAccessGroup.toLowerCase(),
      settings.sudoGroup.toLowerCase(),
      ...settings.keyOnlyGroups,
      ...reads.flatMap((read) => read.groups ?? []),
    ]),
    accounts: unique([...named, ...reads.flatMap((read) => read.accounts ?? [])]),
    connections: connections(settings, options.sourceAddress || DOCUMENTATION_ADDRESS),
    personas: personas(settings, options.sourceAddress || DOCUMENTATION_ADDRESS),
    dropInPath: platform.sshdDropInPath,
    spacePaths: unique(reads.flatMap((read) => read.spacePaths ?? [])),
    repositoryUrl: settings.repository.url,
    modulePath: platform.modulePath,
    census: true,
  };
};

/** The paths are the same for every release that is supported, and the release is known only from what is read. */
export const nominalPlatform = (): Platform => {
  const os = { id: 'debian', idLike: [], versionId: '12', codename: 'bookworm', prettyName: 'Debian' };
  const platform = platformOf({ os, architecture: 'amd64' });
  if ('refused' in platform) throw new Error(platform.refused);
  return platform;
};

/** The logins that sshd's settings are asked for: break-glass from the first of its sources that is an address. */
const connections = (settings: Settings, address: string): ObserveRequest['connections'] => {
  const sources = settings.breakGlass?.allowedSources ?? [];
  const source = sources.length === 0 ? address : sources.find(isPlainAddress);
  return [
    { label: '*', user: NOBODY, address },
    { label: 'automation', user: settings.connection.user, address },
    ...(settings.breakGlass === null || source === undefined
      ? []
      : [{ label: 'breakglass', user: settings.breakGlass.user, address: source }]),
    { label: 'root', user: 'root', address },
  ];
};

/** People whom the host picks, and break-glass from where it must not get in. */
const personas = (settings: Settings, address: string): ObserveRequest['personas'] => {
  const { breakGlass } = settings;
  const elsewhere = [address, ...FOREIGN_ADDRESSES].find(
    (one) => breakGlass !== null && !breakGlass.allowedSources.some((source) => mayCover(source, one)),
  );
  return [
    ...(breakGlass === null || breakGlass.allowedSources.length === 0 || elsewhere === undefined
      ? []
      : [
          {
            label: 'breakglass-elsewhere',
            who: { kind: 'account', name: breakGlass.user },
            address: elsewhere,
          } as const,
        ]),
    {
      label: 'access-member',
      who: { kind: 'member', group: settings.serverAccessGroup.toLowerCase() },
      address,
    },
    { label: 'sudo-member', who: { kind: 'member', group: settings.sudoGroup.toLowerCase() }, address },
    { label: 'local', who: { kind: 'local' }, address },
  ];
};

/** Networks for documentation (RFC 5737, RFC 3849): nobody comes from there, and hardly any source covers all of them. */
const FOREIGN_ADDRESSES = [DOCUMENTATION_ADDRESS, '203.0.113.1', '192.0.2.1', '2001:db8::1'];

/** Whether one of sshd's address patterns may match an address: a pattern with `*` or `?` counts as if by its first number. */
const mayCover = (source: string, address: string): boolean => {
  if (/[*?]/.test(source)) {
    const start = source.replace(/[*?].*$/s, '');
    return address.startsWith(start);
  }
  const [network = '', bits] = source.split('/');
  const [a, b] = [parseAddress(network), parseAddress(address)];
  // What is not understood may be anything.
  if (a === null || b === null) return true;
  const length = bits === undefined ? a.length * 8 : Number(bits);
  return (
    a.length === b.length &&
    a.every((byte, index) => {
      const kept = Math.max(0, Math.min(8, length - index * 8));
      const mask = 0xff & ~(0xff >> kept);
      return (byte & mask) === ((b[index] ?? 0) & mask);
    })
  );
};

const isPlainAddress = (source: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(source) || /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+$/.test(source);

const unique = (words: readonly string[]): readonly string[] => [...new Set(words)];

/** Each path once; its text where any step wants it. */
const joinFiles = (files: ObserveRequest['files']): ObserveRequest['files'] => {
  const text = new Map<string, boolean>();
  for (const file of files) text.set(file.path, file.text || (text.get(file.path) ?? false));
  return [...text].map(([path, wanted]) => ({ path, text: wanted }));
};

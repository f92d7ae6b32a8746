// Packages, their origins and the apt source files, out of observe.sh's answer.
import type { Facts, PackageFacts } from '../core/facts.ts';
import { trimEndOf } from '../core/trim-end.ts';
import { all, malformed, only, type Section, type Sections, utf8 } from './observe-sections.ts';

interface KnownPackage {
  readonly name: string;
  readonly architecture: string;
  readonly status: string;
  readonly version: string;
}

const readKnown = (section: Section): readonly KnownPackage[] =>
  section.lines
    .filter((line) => line !== '')
    .map((line) => {
      // A package that is known by name alone has no version.
      const [name, architecture, status, version = '', ...more] = utf8(line).split(' ');
      if (name === undefined || architecture === undefined || status === undefined || more.length > 0)
        throw malformed('the list of packages');
      return { name, architecture, status, version };
    })
    .filter(({ status }) => status !== 'not-installed');

/** `apt-cache policy`: repository URLs by package and version, as `name version`. */
const readPolicies = (sections: Sections): ReadonlyMap<string, readonly string[]> => {
  const origins = new Map<string, Set<string>>();
  for (const section of all(sections, 'policy')) {
    let name = '';
    let version = '';
    for (const line of section.lines.map(utf8)) {
      // `name:`, then ` *** VERSION PRIORITY` or `     VERSION PRIORITY`, then `        PRIORITY URL SUITE ...`.
      const heading = /^(\S+):$/.exec(line);
      const table = /^ (?:\*\*\*| {3}) (\S+)/.exec(line);
      const origin = /^ {6,}-?\d+ +([a-z][a-z0-9+.-]*:\/\/\S+)/.exec(line);
      if (heading !== null) {
        name = heading[1] ?? '';
        version = '';
      } else if (origin !== null) {
        const key = `${name} ${version}`;
        const urls = origins.get(key) ?? new Set();
        origins.set(key, urls.add(trimEndOf(origin[1] ?? '', '/')));
      } else if (table !== null) version = table[1] ?? '';
    }
  }
  return new Map([...origins].map(([key, urls]) => [key, [...urls]]));
};

/** Packages that dpkg knows, its own architecture, and systemd's major version, which come with them. */
export const readPackages = (
  sections: Sections,
): Pick<Facts, 'packages' | 'architecture'> & { readonly systemdVersion: number | null } => {
  const known = readKnown(only(sections, 'packages'));
  const architecture = known.find(({ name }) => name === 'dpkg')?.architecture ?? '';
  const origins = readPolicies(sections);
  const packages: Record<string, PackageFacts> = Object.create(null);
  // Where a package is there for two architectures, the host's own counts.
  for (const { name, architecture: own, status, version } of known) {
    if (packages[name] !== undefined && own !== architecture) continue;
    packages[name] = { status, version, origins: origins.get(`${name} ${version}`) ?? [] };
  }
  const systemd = packages['systemd'];
  const major = /^(?:\d+:)?(\d+)/.exec(systemd?.status === 'installed' ? systemd.version : '')?.[1];
  return { architecture, packages, systemdVersion: major === undefined ? null : Number(major) };
};

const names = (line: string, needles: readonly string[]): boolean =>
  needles.some((needle) => line.toLowerCase().includes(needle));

const activeListLines = (text: readonly string[], needles: readonly string[]): readonly string[] =>
  text.map((line) => line.trim()).filter((line) => !line.startsWith('#') && names(line, needles));

/** deb822 (sources.list(5)): stanzas of fields, off by `Enabled: no`. All lines of a stanza belong to it. */
const activeStanzaLines = (text: readonly string[], needles: readonly string[]): readonly string[] => {
  const stanzas: string[][] = [[]];
  for (const line of text) {
    if (line.startsWith('#')) continue;
    if (line.trim() === '') stanzas.push([]);
    else stanzas.at(-1)?.push(line.trimEnd());
  }
  // apt takes no, false, without, off and disable (StringToBool), in any case.
  const off = /^enabled:\s*(?:no|false|without|off|disable|0)$/i;
  return stanzas
    .filter((stanza) => stanza.some((line) => names(line, needles)) && !stanza.some((line) => off.test(line)))
    .flat();
};

/** Source files with active lines that name the asked-for repository or Duo's own. */
export const readDuoSources = (sections: Sections): Facts['duoSources'] => {
  only(sections, 'sources');
  const wanted = all(sections, 'want').find(({ words }) => words.startsWith('repository '));
  if (wanted === undefined) throw malformed('the part "want repository" is missing');
  const needles = [utf8(wanted.words.slice('repository '.length)).toLowerCase(), 'pkg.duosecurity.com'];
  const sources: Record<string, readonly string[]> = Object.create(null);
  for (const { words, lines } of all(sections, 'source')) {
    const path = utf8(words);
    const text = lines.map(utf8);
    const active = path.endsWith('.sources')
      ? activeStanzaLines(text, needles)
      : activeListLines(text, needles);
    if (active.length > 0) sources[path] = active;
  }
  return sources;
};

// What `explain` is asked: about one host, or about a folder of service files.
import { DUO_ANSWERS, type DuoAnswer } from '../auth/duo-answer.ts';
import { parseAddress } from '../core/ip-address.ts';
import { flagReader, type RawOptions } from './flag-reader.ts';
import { HOST_SERVICES, type HostService } from './flags.ts';
import { connectOptions, type ConnectOptions } from './options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** No line of a table is longer, however wide the terminal is: a table that wide is not read any more. */
export const EXPLAIN_WIDTH_MAX = 160;

export type ExplainOptions =
  | {
      readonly kind: 'host';
      readonly connect: ConnectOptions;
      /** `null`: every persona. */
      readonly user: string | null;
      /** `null`: both. */
      readonly service: HostService | null;
      /** `null`: where this program connects from. */
      readonly from: string | null;
      /** `null`: those that a table shows. */
      readonly duo: DuoAnswer | null;
      readonly planned: boolean;
      readonly json: boolean;
    }
  | {
      readonly kind: 'folder';
      /** Absolute path. */
      readonly folder: string;
      readonly user: string | null;
      /** `null`: every file that no other one includes. */
      readonly service: string | null;
      readonly json: boolean;
    };

/** Flags that mean a host; on the command line they contradict --pam-dir, from the environment they wait for a host. */
const OF_A_HOST = [
  'host',
  'inventory-file',
  'from',
  'duo',
  'planned',
  'known-hosts',
  'host-keys',
  'private-key',
  'jump',
  'ssh-config',
] as const;

/** @throws UsageError naming all that is wrong */
export const readExplainOptions = (raw: RawOptions, surroundings: Surroundings): ExplainOptions => {
  const reader = flagReader('explain', raw, surroundings);
  const folder = reader.path('pam-dir');
  const common = { user: reader.text('user'), json: reader.flag('json') };
  const service = reader.text('service');
  let options: ExplainOptions;
  if (folder !== null) {
    for (const name of OF_A_HOST.filter((flag) => raw[flag] !== undefined)) {
      reader.problem(
        `--${name} is about a host, and --pam-dir looks at a folder without one: leave one of them out`,
      );
    }
    if (typeof raw['inventory'] === 'string') {
      reader.problem(
        `--pam-dir looks at a folder without a host: what is ${JSON.stringify(raw['inventory'])} for?`,
      );
    }
    options = { kind: 'folder', folder, service, ...common };
  } else {
    options = {
      kind: 'host',
      connect: connectOptions(reader, raw, surroundings),
      service: reader.check(() => hostService(service), null),
      from: reader.check(() => address(reader.text('from')), null),
      duo: reader.check(() => duoAnswer(reader.text('duo')), null),
      planned: reader.flag('planned'),
      ...common,
    };
  }
  reader.end();
  return options;
};

const hostService = (text: string | null): HostService | null => {
  if (text === null) return null;
  const found = HOST_SERVICES.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(
    `--service takes ${HOST_SERVICES.join(' or ')}, not ${JSON.stringify(text)}; other files of a folder are looked at with --pam-dir`,
  );
};

const duoAnswer = (text: string | null): DuoAnswer | null => {
  if (text === null) return null;
  const found = DUO_ANSWERS.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--duo takes one of ${DUO_ANSWERS.join(', ')}, not ${JSON.stringify(text)}`);
};

/** sshd matches addresses; a name would have to be resolved, and here it may mean another machine than there. */
const address = (text: string | null): string | null => {
  if (text === null || parseAddress(text) !== null) return text;
  throw new UsageError(`--from takes an IP address, not ${JSON.stringify(text)}`);
};

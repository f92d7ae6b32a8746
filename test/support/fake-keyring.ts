// A keyring in memory, or one that cannot be used.
import type { Keyring, KeyringProblem } from '../../src/cli/keyring.ts';
import { reveal, Secret } from '../../src/core/secret.ts';

const nameOf = ({ service, account }: { readonly service: string; readonly account: string }): string =>
  `${service}/${account}`;

/** Entries by `service/account`; with a problem, every call ends in it. */
export const fakeKeyring = (
  entries: Map<string, string> = new Map(),
  problem: KeyringProblem | null = null,
): Keyring => {
  const answer = async <T>(value: () => T) =>
    problem === null ? ({ ok: true, value: value() } as const) : ({ ok: false, problem } as const);
  return {
    get: (entry) =>
      answer(() => {
        const text = entries.get(nameOf(entry));
        return text === undefined ? null : new Secret(text);
      }),
    set: (entry, secret) =>
      answer(() => {
        entries.set(nameOf(entry), reveal(secret));
        return null;
      }),
    delete: (entry) => answer(() => entries.delete(nameOf(entry))),
    list: (service) =>
      answer(() =>
        [...entries.keys()]
          .filter((name) => name.startsWith(`${service}/`))
          .map((name) => name.slice(service.length + 1))
          .toSorted(),
      ),
  };
};

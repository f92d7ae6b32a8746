// Hosts that are reached through other hosts of the same run.
import type { Diagnostic } from './diagnostic.ts';
import type { InventoryHost } from './inventory.ts';
import { warningAt } from './inventory-groups.ts';
import type { JumpHost, Settings } from './settings.ts';
import { isJumpTo } from './way.ts';

/** A warning names at most this many hosts. */
const HOSTS_NAMED_MAX = 5;

/** The hosts that are jump hosts of others, with the names of those. */
const carriersOf = (all: readonly Settings[]): ReadonlyMap<string, readonly string[]> => {
  const carried = new Map<string, string[]>();
  const carrierOf = new Map<string, string | null>();
  for (const { host, connection } of all) {
    for (const jump of connection.jumps) {
      const key = `${jump.name} ${jump.address} ${jump.port}`;
      const known = carrierOf.get(key);
      const carrier = known === undefined ? hostAt(jump, all) : known;
      carrierOf.set(key, carrier);
      if (carrier === null || carrier === host) continue;
      const hosts = carried.get(carrier) ?? [];
      hosts.push(host);
      carried.set(carrier, hosts);
    }
  }
  return carried;
};

const hostAt = (jump: JumpHost, all: readonly Settings[]): string | null =>
  all.find((each) => isJumpTo(jump, placeOf(each)))?.host ?? null;

const placeOf = ({ host, connection: { address, port } }: Settings) => ({ name: host, address, port });

/**
 * The same hosts, those last that others are reached through, the nearest one to us last of all. A connection that stands
 * outlives what is done to the jump host's sshd, but a new login there would already meet what was made of it.
 */
export const carriersLast = (all: readonly Settings[]): readonly Settings[] => {
  const carriers = carriersOf(all);
  if (carriers.size === 0) return all;
  const first = all.filter(({ host }) => !carriers.has(host));
  const last = all.filter(({ host }) => carriers.has(host));
  return [
    ...first,
    ...last.toSorted((one, other) => other.connection.jumps.length - one.connection.jumps.length),
  ];
};

/** The names of those hosts, in their order. */
export const carrierNames = (all: readonly Settings[]): readonly string[] => {
  const carriers = carriersOf(all);
  return all.filter(({ host }) => carriers.has(host)).map(({ host }) => host);
};

/** Says of each such host what is done about it, and what would be safer. */
export const carrierDiagnostics = (
  all: readonly Settings[],
  hosts: readonly InventoryHost[],
): readonly Diagnostic[] => {
  const places = new Map(hosts.map(({ name, place }) => [name, place]));
  return [...carriersOf(all)].flatMap(([carrier, carried]) => {
    const place = places.get(carrier);
    if (place === undefined) return [];
    const more = carried.length - HOSTS_NAMED_MAX;
    const named = `${carried.slice(0, HOSTS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    return [
      warningAt(
        place,
        `${carrier} is the jump host of ${named}, and one of the run's own hosts: it goes last, in a wave of its own`,
        `Safer: the others first (--limit '!${carrier}'), then a run for it alone (--host ${carrier}).`,
      ),
    ];
  });
};

// A jump host as people write it, and what is known of one.
import { isHostName, parseAddress } from './ip-address.ts';

/** More jump hosts in a row than this are refused. */
export const JUMPS_MAX = 8;

/** `[user@]host[:port]` in its parts; what was not written is `null`. */
export interface NamedJump {
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
}

const FORM =
  /^(?:ssh:\/\/)?(?:([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@)?(\[[0-9A-Fa-f:.]+\]|[^:@[\]/]+)(?::([1-9]\d{0,4}))?$/;

/** One jump host as ssh takes it (ssh_config(5), ProxyJump): `[user@]host[:port]` or `ssh://...`; `null` when it is none. */
export const parseJump = (text: string): NamedJump | null => {
  const [, user = null, written = '', digits] = FORM.exec(text) ?? [];
  const host = written.startsWith('[') ? written.slice(1, -1) : written;
  const port = digits === undefined ? null : Number(digits);
  const isSound = (isHostName(host) || parseAddress(host) !== null) && (port === null || port <= 65_535);
  return isSound ? { host, user, port } : null;
};

/** A way through jump hosts, or the one of them that is none. */
export type ParsedJumps =
  | { readonly jumps: readonly NamedJump[]; readonly wrong: null }
  | { readonly jumps: null; readonly wrong: string };

/** ProxyJump's value: jump hosts parted by commas, in the order in which they are passed; `none` for none. */
export const parseJumps = (text: string): ParsedJumps => {
  if (text.toLowerCase() === 'none') return { jumps: [], wrong: null };
  const jumps: NamedJump[] = [];
  for (const word of text.split(',')) {
    const jump = parseJump(word);
    if (jump === null) return { jumps: null, wrong: word };
    jumps.push(jump);
  }
  return { jumps, wrong: null };
};

/** Jump hosts as `parseJumps` takes them. */
export const jumpsText = (jumps: readonly NamedJump[]): string =>
  jumps.length === 0
    ? 'none'
    : jumps
        .map(({ host, user, port }) => {
          const name = host.includes(':') ? `[${host}]` : host;
          return `${user === null ? '' : `${user}@`}${name}${port === null ? '' : `:${port}`}`;
        })
        .join(',');

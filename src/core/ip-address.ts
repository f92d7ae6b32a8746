// IPv4 and IPv6 addresses, networks and sshd's address patterns.

const parseIpv4 = (text: string): readonly number[] | null => {
  const parts = text.split('.');
  const valid =
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return valid ? parts.map(Number) : null;
};

/** The bytes of a part of an IPv6 address between its `::` and its end; an IPv4 address may end it. */
const bytesOfWords = (half: string): readonly number[] | null => {
  if (half === '') return [];
  const parts = half.split(':');
  const last = parts.at(-1) ?? '';
  const tail = last.includes('.') ? parseIpv4(last) : [];
  if (tail === null) return null;
  const hex = tail.length > 0 ? parts.slice(0, -1) : parts;
  if (!hex.every((part) => /^[0-9A-Fa-f]{1,4}$/.test(part))) return null;
  const bytes = hex.flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255]);
  return [...bytes, ...tail];
};

const parseIpv6 = (text: string): readonly number[] | null => {
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(text) || text.split('::').length > 2) return null;
  const [head = '', tail] = text.split('::');
  const front = bytesOfWords(head);
  const back = tail === undefined ? [] : bytesOfWords(tail);
  if (front === null || back === null || (tail !== undefined && head.includes('.'))) return null;
  const missing = 16 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return null;
  return [...front, ...Array.from({ length: missing }, () => 0), ...back];
};

/** An address as its 4 or 16 bytes; `null` when it is none. */
export const parseAddress = (text: string): readonly number[] | null =>
  text.includes(':') ? parseIpv6(text) : parseIpv4(text);

/** Whether all bits after a prefix of so many bits are 0. */
const hostBitsClear = (bytes: readonly number[], bits: number): boolean =>
  bytes.every((byte, index) => {
    const kept = Math.max(0, Math.min(8, bits - index * 8));
    return (byte & (0xff >> kept)) === 0;
  });

/**
 * What is wrong with an element of sshd's `Match Address`, '' when nothing is: an address, a network in CIDR form
 * whose host bits are 0, or a pattern with `*` and `?`. Negation (`!`) is not taken.
 * Source: sshd_config(5) Match, ssh_config(5) PATTERNS; addrmatch.c refuses a network whose host bits are set.
 */
export const sourceProblem = (text: string): string => {
  if (/[*?]/.test(text)) {
    return /^[0-9A-Fa-f.:*?]{1,45}$/.test(text) ? '' : 'is no pattern of an address (as 10.0.*)';
  }
  const [address = '', prefix, ...more] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === null || more.length > 0) {
    return 'is no address (192.0.2.7), network (192.0.2.0/24, 2001:db8::/32) or pattern (10.0.*)';
  }
  if (prefix === undefined) return '';
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bytes.length * 8) {
    return `has a prefix that is not between 0 and ${bytes.length * 8}`;
  }
  return hostBitsClear(bytes, Number(prefix))
    ? ''
    : `is a network whose bits after /${prefix} are not all 0, which sshd does not take`;
};

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const dnsName = new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`);

/** Whether a text is a DNS name (RFC 1123), without a dot at its end. */
export const isDnsName = (text: string): boolean => dnsName.test(text);

/** Whether a text can be dialled by name: a DNS name, or one of a hosts file, where people use underscores. */
export const isHostName = (text: string): boolean => isDnsName(text.replaceAll('_', 'x'));

/**
 * Whether an address is meant by an element of an address list: an address, a network in CIDR form, or a pattern with
 * `*` and `?`. Source: sshd_config(5) Match, addrmatch.c.
 */
export const isAddressOf = (element: string, address: string): boolean => {
  if (/[*?]/.test(element)) {
    const pattern = element
      .replaceAll('.', String.raw`\.`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return /^[0-9A-Fa-f.:*?]+$/.test(element) && new RegExp(`^${pattern}$`).test(address);
  }
  const [network = '', prefix] = element.split('/');
  const [wanted, bytes] = [parseAddress(network), parseAddress(address)];
  if (wanted === null || bytes === null || wanted.length !== bytes.length) return false;
  const bits = prefix === undefined ? bytes.length * 8 : Number(prefix);
  return firstDifference(bytes, wanted) >= bits;
};

/** Number of the first bit in which two addresses of one length differ. */
const firstDifference = (one: readonly number[], other: readonly number[]): number => {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? one.length * 8 : at * 8 + Math.clz32((one[at] ?? 0) ^ (other[at] ?? 0)) - 24;
};

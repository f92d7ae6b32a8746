// A host as inventories and patterns write it -> the host and the port behind it, exactly as Ansible tells them apart.
// Source: ansible lib/ansible/parsing/utils/addresses.py (parse_address).

const NUMBERS = String.raw`\[[0-9]+:[0-9]+(?::[0-9]+)?\]`;
const HEXADECIMALS = String.raw`\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]`;
const LETTERS_OR_NUMBERS = String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`;
/** A 16-bit part of an IPv6 address and an 8-bit part of an IPv4 one, or a range in its place. */
const PART6 = `(?:[0-9a-f]{1,4}|${HEXADECIMALS})`;
const PART4 = `(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|${NUMBERS})`;
const LABEL = String.raw`(?:[\p{L}\p{N}_]|${LETTERS_OR_NUMBERS})(?:[\p{L}\p{N}_-]|${LETTERS_OR_NUMBERS})*(?<![_-])`;

const IPV6 = [
  `(?:${PART6}:){7}${PART6}`,
  `(?:${PART6}:){1,6}:`,
  ...[6, 5, 4, 3, 2, 1].map((after, at) => `(?:${PART6}:){${at + 1}}(?::${PART6}){1,${after}}`),
  `:(?::${PART6}){1,6}`,
  `${PART6}?::`,
  String.raw`(?:0:){6}(?:${PART6}\.){3}${PART6}`,
  String.raw`::(?:ffff:)?(?:${PART6}\.){3}${PART6}`,
  String.raw`(?:0:){5}ffff:(?:${PART6}\.){3}${PART6}`,
].join('|');

const HOSTS = [
  new RegExp(String.raw`^(?:${PART4}\.){3}${PART4}$`, 'i'),
  new RegExp(`^(?:${IPV6})$`, 'i'),
  new RegExp(String.raw`^${LABEL}(?:\.${LABEL})*$`, 'iu'),
];
const WITH_PORT = [/^\[(.+)\]:([0-9]+)$/, /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/];

/**
 * `web1:2222`, `[2001:db8::1]:22`, `web[1:9]` -> the host, ranges left in it, and the port, `null` when there is none.
 * `null` for what is no host name and no address.
 */
export const splitAddress = (
  text: string,
): { readonly host: string; readonly port: string | null } | null => {
  let host = text;
  let port: string | null = null;
  // The second form is tried on what the first one left, as in Ansible.
  for (const form of WITH_PORT) {
    const found = form.exec(host);
    if (found?.[1] === undefined || found[2] === undefined) continue;
    [, host, port] = found;
  }
  return HOSTS.some((form) => form.test(host)) ? { host, port } : null;
};

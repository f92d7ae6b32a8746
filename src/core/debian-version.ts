// Debian package versions, compared as dpkg does.

interface Parts {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

/**
 * Compares two Debian versions: negative, zero or positive as `left` is older, equal or newer.
 * The rule is deb-version(7)'s: epoch, then upstream version, then revision; `~` sorts before everything, even the end.
 */
export const compareDebianVersions = (left: string, right: string): number => {
  const a = partsOf(left);
  const b = partsOf(right);
  return (
    a.epoch - b.epoch || compareStretches(a.upstream, b.upstream) || compareStretches(a.revision, b.revision)
  );
};

const partsOf = (version: string): Parts => {
  const colon = version.indexOf(':');
  const epoch = colon > 0 ? Number(version.slice(0, colon)) : 0;
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: Number.isFinite(epoch) ? epoch : 0,
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
};

/** Alternating stretches of non-digits and digits, as dpkg's verrevcmp walks them. */
const compareStretches = (left: string, right: string): number => {
  let a = left;
  let b = right;
  while (a !== '' || b !== '') {
    const textA = leading(a, /^[^0-9]*/);
    const textB = leading(b, /^[^0-9]*/);
    const text = compareText(textA, textB);
    if (text !== 0) return text;
    a = a.slice(textA.length);
    b = b.slice(textB.length);
    const digitsA = leading(a, /^[0-9]*/);
    const digitsB = leading(b, /^[0-9]*/);
    const digits = compareDigits(digitsA, digitsB);
    if (digits !== 0) return digits;
    a = a.slice(digitsA.length);
    b = b.slice(digitsB.length);
  }
  return 0;
};

const leading = (text: string, pattern: RegExp): string => pattern.exec(text)?.[0] ?? '';

const compareText = (a: string, b: string): number => {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = weight(a[at]) - weight(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** `~` before the end, the end before letters, letters before all else. */
const weight = (character: string | undefined): number => {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  const code = character.codePointAt(0) ?? 0;
  return /[A-Za-z]/.test(character) ? code : code + 0x11_00_00;
};

/** Numbers of any length: not `Number`, which loses digits past 2^53. */
const compareDigits = (left: string, right: string): number => {
  const a = left.replace(/^0+/, '');
  const b = right.replace(/^0+/, '');
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
};

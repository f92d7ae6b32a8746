// Text from a host, made fit for a terminal, a log and a message.

/** Characters kept; the rest is cut off, and the cut is shown. */
export const PRINTABLE_CHARS_MAX = 2_000;

/** Colours and cursor movements of a terminal (ECMA-48, 5.4): they say nothing, so they go without a trace. */
// oxlint-disable-next-line no-control-regex
const CONTROL_SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** Whatever parts lines or columns: tabs, line ends, and Unicode's line and paragraph separators. */
const GAP = /[\t-\r\u0085\u2028\u2029]+/g;

/**
 * Other controls (C0, DEL, C1), marks that turn the direction of text or take no room, lone surrogates. Whoever controls
 * a host could otherwise repaint the operator's screen or hide words of a message (CVE-2021-42574 for the direction marks).
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const REPLACEMENT = '\ufffd';

/**
 * One line of harmless text from untrusted text: line ends and tabs become a blank, terminal sequences vanish, every other
 * character that could steer a terminal becomes U+FFFD, and what is over `charsMax` characters is cut and ends in `…`.
 */
export const printable = (text: string, charsMax: number = PRINTABLE_CHARS_MAX): string => {
  // Cut before the work: a host may send megabytes. Twice, because what vanishes makes room.
  const line = text
    .slice(0, charsMax * 2)
    .replaceAll(CONTROL_SEQUENCE, '')
    .replaceAll(GAP, ' ')
    .trim()
    // With the `u` flag only a surrogate without its partner is matched.
    .replaceAll(UNSAFE, REPLACEMENT);
  return line.length > charsMax || text.length > charsMax * 2
    ? `${line.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, '')}…`
    : line;
};

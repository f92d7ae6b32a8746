// Text from a host, made safe for a terminal, a log line and a person's eyes.

/** Characters that {@link printable} lets through unless told otherwise. */
export const PRINTABLE_LIMIT = 2_000;

const CSI_SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]/g;
const BLANKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/gu;
/** Controls, invisible formatting (bidirectional overrides among it) and lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/**
 * One line that shows what a host said and does nothing else: colour sequences are dropped, line breaks and tabs become
 * a blank, every other control or invisible character becomes U+FFFD, and what is longer than `limit` UTF-16 units ends
 * in an ellipsis. Bidirectional overrides are among them because they can make a line read as its opposite.
 */
export const printable = (text: string, limit: number = PRINTABLE_LIMIT): string => {
  // Cut before the expressions run: a host must not choose how long we think about its words.
  const cut = text.length > limit ? `${text.slice(0, Math.max(0, limit - 1))}…` : text;
  // Sequences go first; what a removal leaves standing together is then caught as a lone control.
  return cut.replace(CSI_SEQUENCE, '').replace(BLANKS, ' ').replace(UNPRINTABLE, '\u{fffd}').trim();
};

// Text without certain signs at its end.

/**
 * A text without what of `signs` it ends in. One look at each: `replace(/[...]+$/, '')` begins anew at every sign inside of a
 * long row of them, and a host decides how long that is.
 */
export const trimEndOf = (text: string, signs: string): string => {
  let end = text.length;
  while (end > 0 && signs.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
};

// Whether markup is well-formed, as far as nesting, quotes and entities go.

/** Elements of HTML that have no end tag (HTML standard, 13.1.2). */
const VOID: ReadonlySet<string> = new Set(['meta', 'input', 'br', 'hr', 'img', 'link']);
/** Of these the text is not markup. */
const RAW = /<(style|script)>[\s\S]*?<\/\1>/g;
const TAG = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/g;

/** '' where it is; else what is wrong. */
export const wellFormed = (markup: string, kind: 'xml' | 'html'): string => {
  const text = kind === 'html' ? markup.replaceAll(RAW, '') : markup;
  const open: string[] = [];
  let from = 0;
  for (const match of text.matchAll(TAG)) {
    const between = text.slice(from, match.index);
    if (/[<>]/.test(between)) return `a bracket outside of a tag: ${between.slice(0, 80)}`;
    if (/&(?!(?:amp|lt|gt|quot|apos|#39);)/.test(`${between}${match[3] ?? ''}`)) {
      return `an ampersand that is none: ${between.slice(0, 80)}`;
    }
    from = match.index + match[0].length;
    const name = match[2] ?? '';
    if (match[1] === '/') {
      const last = open.pop();
      if (last !== name)
        return `</${name}> ends <${last ?? 'nothing'}> at ${text.slice(match.index - 60, from)}`;
    } else if (match[4] !== '/' && !(kind === 'html' && VOID.has(name))) open.push(name);
  }
  if (/[<>]/.test(text.slice(from))) return `a bracket after the last tag: ${text.slice(from, from + 80)}`;
  return open.length === 0 ? '' : `never ended: ${open.join(', ')}`;
};

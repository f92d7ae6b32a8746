// The request, as observe.sh repeats it: the parser has not seen it, and "not there" needs a list to be told from.
import { all, type Sections, utf8 } from './observe-sections.ts';

/** What `want KIND WORD` lines name, in the order of the request. */
export const wanted = (
  sections: Sections,
  kind: 'file' | 'group' | 'account' | 'connection' | 'space',
): readonly string[] =>
  all(sections, 'want')
    .filter(({ words }) => words.startsWith(`${kind} `))
    .map(({ words }) => utf8(words.slice(kind.length + 1)));

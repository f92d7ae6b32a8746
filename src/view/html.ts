// HTML in which no text can become anything else: what is put into a template is escaped, unless a template made it.

/** Finished HTML. Only {@link html} makes it, and {@link verbatim} of what is written in this program. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Part[] | null;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const textOf = (part: Part): string => {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return String(part).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
};

/** A template; attributes that take a value must be in double quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(String.raw({ raw: strings.map(unindented) }, ...parts.map(textOf)));

/** The source's own indentation says nothing on the page, and of a thousand hosts it would be half of it. */
const unindented = (text: string): string => text.replaceAll(/\n\s*/g, '\n');

/** Text of this program's own that is HTML, CSS or a script already; never what came from outside. */
export const verbatim = (text: string): Html => new Html(text);

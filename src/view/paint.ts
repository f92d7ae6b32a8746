// Colours, or none: decided once, when the output is opened, and never by asking the process in between.
import { styleText } from 'node:util';

/** How words are emphasised; without colour all of them are the identity. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

type Style = Parameters<typeof styleText>[0];

const same = (text: string): string => text;
const style =
  (format: Style) =>
  (text: string): string =>
    // Without the option, later Nodes look at process.stdout themselves, which need not be where this goes.
    styleText(format, text, { validateStream: false });

/** For output that is no terminal, or under NO_COLOR (https://no-color.org). */
export const PLAIN_PAINT: Paint = { good: same, bad: same, warn: same, dim: same, bold: same };

const COLOUR_PAINT: Paint = {
  good: style('green'),
  bad: style('red'),
  warn: style('yellow'),
  dim: style('dim'),
  bold: style('bold'),
};

/** Colours for a terminal, none elsewhere. */
export const paintFor = (colour: boolean): Paint => (colour ? COLOUR_PAINT : PLAIN_PAINT);

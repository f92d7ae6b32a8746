// A table of texts that fits a terminal: columns share its width, and what does not fit is wrapped inside its cell.
import type { Paint } from './paint.ts';
import { wrapText } from './wrap-text.ts';

const GAP = 2;

/** A cell; line breaks in it stay. */
export interface Cell {
  readonly text: string;
  /** A colour for the whole cell. */
  readonly tone?: keyof Paint;
}

/** A table's lines, no one longer than `width` without its colours; an empty line parts rows that take several. */
export const textTable = (
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): readonly string[] => {
  const table = [head.map((text): Cell => ({ text, tone: 'bold' })), ...rows];
  const widths = columnWidths(table, width);
  const blocks = table.map((row) => rowLines(row, widths, paint));
  const isLoose = blocks.slice(1).some((lines) => lines.length > 1);
  return blocks.flatMap((lines, at) => (isLoose && at > 1 ? ['', ...lines] : lines));
};

const rowLines = (row: readonly Cell[], widths: readonly number[], paint: Paint): readonly string[] => {
  const cells = row.map(({ text }, column) => wrapText(text, widths[column] ?? 1));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_unused, at) =>
    row
      .map(({ tone }, column) => {
        const isLast = column === row.length - 1;
        const part = cells[column]?.[at] ?? '';
        const padded = isLast ? part : part.padEnd((widths[column] ?? 1) + GAP);
        return tone === undefined || part === '' ? padded : paint[tone](padded);
      })
      .join('')
      .trimEnd(),
  );
};

/** Every column as wide as its text where that fits; else as wide as its longest word, and more where that saves lines. */
const columnWidths = (table: readonly (readonly Cell[])[], width: number): readonly number[] => {
  const columns = table[0]?.map((_cell, column) => table.map((row) => row[column]?.text ?? '')) ?? [];
  const wanted = columns.map((texts) => longest(texts.flatMap((text) => text.split('\n'))));
  const least = columns.map((texts) => longest(texts.flatMap((text) => text.split(/[ \n]/))));
  const room = Math.max(columns.length, width - GAP * (columns.length - 1));
  if (sum(wanted) <= room) return wanted;
  // Where not even the words fit, they are cut: a line longer than the terminal would break the whole table.
  if (sum(least) > room) return capped(least, room);
  let widths: readonly number[] = least;
  for (let next = widened(widths, columns, room); next !== null; next = widened(widths, columns, room)) {
    widths = next;
  }
  return widths;
};

/** One column made wider by as little as makes the table lower, the one that saves most for it; `null`: none does. */
const widened = (
  widths: readonly number[],
  columns: readonly (readonly string[])[],
  room: number,
): readonly number[] | null => {
  const now = height(columns, widths);
  let best: { readonly widths: readonly number[]; readonly worth: number } | null = null;
  for (const column of columns.keys()) {
    for (let more = 1; more <= room - sum(widths); more += 1) {
      const wider = widths.map((each, at) => (at === column ? each + more : each));
      const worth = (now - height(columns, wider)) / more;
      if (worth > (best?.worth ?? 0)) best = { widths: wider, worth };
    }
  }
  return best?.widths ?? null;
};

/** Rows by which the widths of a long table are chosen: trying all of them out would take longer than reading them. */
const ROWS_TRIED_MAX = 30;

/** How high a table is; of two that are as high, the one with fewer lines in its cells counts as lower. */
const height = (columns: readonly (readonly string[])[], widths: readonly number[]): number => {
  const cells = columns.map((texts, column) =>
    texts.slice(0, ROWS_TRIED_MAX).map((text) => wrapText(text, widths[column] ?? 1).length),
  );
  const rows = cells[0]?.map((_lines, row) => Math.max(...cells.map((column) => column[row] ?? 0))) ?? [];
  return sum(rows) + sum(cells.flat()) / 1000;
};

/** The same numbers, the largest of them made smaller until their sum is at most `room`. */
const capped = (numbers: readonly number[], room: number): readonly number[] => {
  let cap = Math.max(0, ...numbers);
  while (cap > 0 && sum(numbers.map((each) => Math.min(each, cap))) > room) cap -= 1;
  return numbers.map((each) => Math.min(each, cap));
};

const longest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, text.length), 1);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

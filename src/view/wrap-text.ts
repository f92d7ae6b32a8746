// Words broken into lines of a terminal's width.

/**
 * Breaks a text at blanks into lines of at most `width` characters; a longer word is cut, so that no line ever is longer.
 * Line breaks in the text stay. At least one line, which may be empty.
 */
export const wrapText = (text: string, width: number): readonly string[] => {
  const limit = Math.max(1, width);
  return text.split('\n').flatMap((line) => wrapLine(line, limit));
};

const wrapLine = (text: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (joined.length <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
};

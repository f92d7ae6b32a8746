// A command line without a shell.

/**
 * Words of a line: blanks part them, single or double quotes hold them together; there is no other sign of a shell,
 * and no backslash. `null` when a quote is open.
 */
export const splitWords = (line: string): readonly string[] | null => {
  if (!/^(?:"[^"]*"|'[^']*'|[^"'])*$/.test(line)) return null;
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_all, one?: string, two?: string) => one ?? two ?? ''),
  );
};

// The words that sshd is started with: what stands there beats every file, and `sshd -T` knows nothing of it.

export interface SshdOptions {
  /** `-o KEYWORD=VALUE`, keyword in lower case. */
  readonly directives: readonly { readonly keyword: string; readonly value: string }[];
  /** `-f FILE`: read in place of /etc/ssh/sshd_config. */
  readonly files: readonly string[];
  /** Words that are none of sshd's options: variables that we do not know, operands. */
  readonly strange: readonly string[];
}

/** Options with an argument and without, of OpenSSH 8.2 to 10.0 (sshd.c, getopt). */
const WITH_ARGUMENT = 'CEbcfghkopu';
const WITHOUT_ARGUMENT = '46DGQRTdeiqrtV';

/** Reads the words after the program's name as getopt(3) does; quotes are taken off. */
export const parseSshdOptions = (words: readonly string[]): SshdOptions => {
  const directives: { keyword: string; value: string }[] = [];
  const files: string[] = [];
  const strange: string[] = [];
  const queue = words.map((word) => word.replaceAll(/["']/g, '')).filter((word) => word !== '');
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const flags = new RegExp(`^-[${WITHOUT_ARGUMENT}]*`).exec(word)?.[0] ?? '';
    if (flags !== '' && flags !== '-' && flags === word) continue;
    const option = word.charAt(flags.length);
    if (flags === '' || option === '' || !WITH_ARGUMENT.includes(option)) {
      strange.push(word);
      continue;
    }
    const argument = word.slice(flags.length + 1) || (queue.shift() ?? '');
    if (option === 'f') files.push(argument);
    if (option === 'o') {
      const [, keyword = '', value = ''] = /^([A-Za-z0-9]*)[ \t=]*(.*)$/.exec(argument) ?? [];
      directives.push({ keyword: keyword.toLowerCase(), value });
    }
  }
  return { directives, files, strange };
};

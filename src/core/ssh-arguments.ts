// ansible_ssh_common_args: of ssh's arguments, those that lead to a host are understood and all others refused.
import { JUMPS_MAX, parseJumps, type NamedJump } from './jump-host.ts';
import { bad, good, shown, type Check, type Checked } from './variable-checks.ts';
import { splitWords } from './words.ts';

/** What such arguments say; `null`: nothing of the kind. */
export interface SshArguments {
  readonly jumps: readonly NamedJump[] | null;
  /** Its tokens (%h, %p, %r, %n) not replaced yet. */
  readonly proxyCommand: string | null;
}

/** ssh takes the first of several ProxyJump or ProxyCommand that it meets (ssh_config(5)). */
export const sshArguments: Check<SshArguments> = ({ value }) => {
  if (typeof value !== 'string') return bad(`must be text, not ${shown(value)}`);
  if (value.includes('{{'))
    return bad('is a Jinja expression, and those are not evaluated', 'Write the value itself.');
  if (/[^\x20-\x7e]|[\\$`;#]/.test(value)) return bad(`has signs in it that are refused: ${shown(value)}`);
  const words = splitWords(value);
  if (words === null) return bad('has a quote that is not closed');
  let found: SshArguments = { jumps: null, proxyCommand: null };
  for (let index = 0; index < words.length;) {
    const option = optionAt(words, index);
    if (option === null) {
      const remedy =
        'Only -J HOST, -o ProxyJump=HOST and -o ProxyCommand=COMMAND are understood. Host keys are checked by --known-hosts and --host-keys, the port and the key have variables of their own.';
      const argument = words.slice(index, words[index] === '-o' ? index + 2 : index + 1).join(' ');
      return bad(`has an argument that this program does not follow: ${shown(argument)}`, remedy);
    }
    const read = option.name === 'jump' ? jumpsOf(option.value) : commandOf(option.value);
    if (!read.ok) return read;
    if (found.jumps === null && found.proxyCommand === null) found = read.value;
    index += option.used;
  }
  return good(found);
};

interface Option {
  readonly name: 'jump' | 'command';
  readonly value: string;
  /** Words that it takes. */
  readonly used: number;
}

/** The option that begins at a word; `null` when it is something else. */
const optionAt = (words: readonly string[], index: number): Option | null => {
  const word = words[index] ?? '';
  const joined = /^-(J|o)(.+)$/.exec(word);
  const [flag, value, used] =
    joined === null ? [word, words[index + 1] ?? '', 2] : [`-${joined[1] ?? ''}`, joined[2] ?? '', 1];
  if (flag === '-J') return { name: 'jump', value, used };
  if (flag !== '-o') return null;
  const jump = /^proxyjump(?:\s*=\s*|\s+)(\S+)$/i.exec(value);
  if (jump !== null) return { name: 'jump', value: jump[1] ?? '', used };
  const command = /^proxycommand(?:\s*=\s*|\s+)(\S.*)$/i.exec(value);
  return command === null ? null : { name: 'command', value: command[1] ?? '', used };
};

const jumpsOf = (value: string): Checked<SshArguments> => {
  const parsed = parseJumps(value);
  if (parsed.wrong !== null)
    return bad(`has a jump host that is none: ${shown(parsed.wrong)}`, 'Write [user@]host[:port].');
  if (parsed.jumps.length > JUMPS_MAX) return bad(`has more than ${JUMPS_MAX} jump hosts in a row`);
  return good({ jumps: parsed.jumps, proxyCommand: null });
};

/** `none` is said to leave out what ssh's configuration has: then there are no jump hosts either. */
const commandOf = (value: string): Checked<SshArguments> =>
  value.toLowerCase() === 'none'
    ? good({ jumps: [], proxyCommand: null })
    : good({ jumps: null, proxyCommand: value });

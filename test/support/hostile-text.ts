// What somebody who owns a host would send to own the one who looks at it: pieces, and texts made of them.
import type { Dice } from './dice.ts';

/** A clipboard that is set, a link that lies, a title, a screen that is wiped, text that runs backwards, C1 controls, and worse. */
const FOR_TERMINALS: readonly string[] = [
  '\u001b[2J\u001b[H',
  '\u001b[31;1mred\u001b[0m',
  '\u001b]52;c;cm0gLXJmIC8=\u0007',
  '\u001b]8;;https://evil.example/\u001b\\click\u001b]8;;\u001b\\',
  '\u001b]0;title\u0007',
  '\u001bP$qm\u001b\\',
  '\u001b[6n',
  '\u001bc',
  '\u009b2J',
  '\u009d52;c;eA==\u009c',
  '\u202egnp.exe',
  '\u2066\u2069\u200f\u061c',
  '\u200b\u2060\ufeff\u00ad',
  '\u{e0001}\u{e0041}\u{e007f}',
  '\r',
  '\b\b\b\b',
  '\u0007',
  '\u0000',
  '\u007f',
  '\u2028\u2029\u0085',
  '\ud800',
];

/** Words of shells, templates, settings files, our own protocols, and of JavaScript's objects. */
const FOR_PARSERS: readonly string[] = [
  `'; touch /pwned; '`,
  '$(touch /pwned)`touch /pwned`',
  '\nauth sufficient pam_permit.so\n',
  '\nALL ALL=(ALL) NOPASSWD: ALL\n',
  '\nPermitRootLogin yes\nMatch all\n',
  '\n[Service]\nExecStart=/bin/sh\n',
  '\nfile 9 0777 absent /etc/shadow\n',
  '{{constructor}}{{{raw}}}{{#each this}}',
  '%s%n%d\\036',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '../../../../etc/shadow',
  '#mark task-ended confirm\n',
  '\nended confirmed\n',
  '\nstate active\n',
  'skey=',
  ':::::',
  '|',
  '!',
  'exit 0',
  '-1',
  '99999999999999999999',
  'NaN',
  '=',
  ',',
  ' ',
  '\t',
  '\n',
  'é漢字',
];

const ALL: readonly string[] = [...FOR_TERMINALS, ...FOR_PARSERS];

/** Some pieces in a row; one in twenty is far longer than anything has room for. */
export const hostileText = (dice: Dice): string => {
  const parts = Array.from({ length: 1 + dice(4) }, () => ALL[dice(ALL.length)] ?? '');
  return dice(20) === 0 ? parts.join('').repeat(2_000) : parts.join('');
};

/** Every piece for terminals in one text. */
export const EVERY_ESCAPE: string = FOR_TERMINALS.join('x');

/** A text with pieces put in, and parts of it taken out, repeated or swapped. */
export const damaged = (dice: Dice, text: string): string => {
  let result = text;
  for (let count = 1 + dice(3); count > 0; count -= 1) {
    const at = dice(result.length + 1);
    const length = dice(Math.min(200, result.length - at + 1));
    const cut = result.slice(at, at + length);
    const after = result.slice(at + length);
    const pieces: readonly string[] = [hostileText(dice), '', cut + cut, after.slice(0, length) + cut, cut];
    result = result.slice(0, at) + (pieces[dice(pieces.length)] ?? '') + after;
  }
  return result;
};

/** Whatever may steer a terminal, hide or turn text; a line end apart. */
const STEERS = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Where a text would steer a terminal, with what stands around it; `null`: nowhere. */
export const steeringOf = (text: string): string | null => {
  const at = text.search(STEERS);
  return at < 0 ? null : JSON.stringify(text.slice(Math.max(0, at - 60), at + 20));
};

// Completions in the shells themselves, as they are when somebody presses Tab.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { COMPLETION_SCRIPTS } from '../../src/cli/completion-scripts.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const LIMIT_MS = 60_000;
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-completion-'));
  const program = join(folder, 'duo-fleet');
  const main = resolve('src/main.ts');
  const tsx = import.meta.resolve('tsx');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' --import '${tsx}' '${main}' "$@"\n`);
  chmodSync(program, 0o755);
  for (const [shell, text] of Object.entries(COMPLETION_SCRIPTS)) {
    writeFileSync(join(folder, `script.${shell}`), text);
  }
  writeFileSync(join(folder, 'inventory.yml'), 'all: {children: {prod: {hosts: {web1: , db1: }}}}\n');
  env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, HOME: folder, TERM: 'dumb' };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Types a line and a Tab into a shell on a terminal (util-linux' script makes one); resolves when `wanted` is seen. */
const onTab = async (
  shell: string,
  { setUp, line, wanted }: { readonly setUp: string; readonly line: string; readonly wanted: string },
): Promise<string> => {
  const child = spawn('script', ['-qec', shell, '/dev/null'], {
    env,
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let seen = '';
  let isTyped = false;
  const timer = setTimeout(() => child.kill(), LIMIT_MS);
  child.stdin.write(`${setUp}; echo rea''dy\r`);
  child.stdout.on('data', (bytes: Buffer) => {
    seen += stripVTControlCharacters(bytes.toString('utf8'));
    if (!isTyped && /^ready\s/m.test(seen)) {
      isTyped = true;
      seen = '';
      child.stdin.write(`${line}\t`);
    }
    if (isTyped && seen.includes(wanted)) child.kill();
  });
  await new Promise((closed) => child.once('close', closed));
  clearTimeout(timer);
  return seen;
};

const LINES = [
  ['duo-fleet ver', 'duo-fleet verify '],
  ['duo-fleet apply --limit prod:d', 'prod:db1'],
  ["duo-fleet apply --limit 'prod:!d", "'prod:!db1'"],
  ['duo-fleet apply --host-keys=acc', '--host-keys=accept-new'],
  ['duo-fleet apply inv', 'duo-fleet apply inventory.yml'],
  ['duo-fleet apply --known-hosts=inv', '--known-hosts=inventory.yml'],
] as const;

describe.each([
  ['bash', 'bash --norc --noprofile -i', 'source ./script.bash'],
  ['zsh', 'zsh -f -i', 'autoload -Uz compinit; compinit -u -D; source ./script.zsh'],
])('in %s', (shell, start, setUp) => {
  test.skipIf(!has(shell)).each(LINES)('a Tab makes of %j: %j', async (line, wanted) => {
    expect(await onTab(start, { setUp, line, wanted })).toContain(wanted);
  });
});

describe('in fish', () => {
  test.skipIf(!has('fish')).each([
    ['duo-fleet ver', /^verify\tLook/],
    ['duo-fleet apply --limit prod:d', /^prod:db1$/],
    ["duo-fleet apply --limit 'prod:!d", /^prod:!db1$/],
    ['duo-fleet apply --host-keys=acc', /^--host-keys=accept-new$/],
    ['duo-fleet apply inv', /^inventory.yml/],
    ['duo-fleet apply --known-hosts=inv', /^--known-hosts=inventory.yml/],
  ])('%j is completed as %s', (line, wanted) => {
    const script = `source ./script.fish; complete -C ${JSON.stringify(line)}`;
    const done = spawnSync('fish', ['--no-config', '-c', script], { env, cwd: folder, encoding: 'utf8' });
    expect(done.stdout.trim()).toMatch(wanted);
  });
});

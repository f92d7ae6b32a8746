import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** What each folder may import besides itself; `main` is src/main.ts. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  auth: ['core'],
  platform: ['core'],
  steps: ['core', 'auth', 'platform'],
  remote: ['core', 'auth', 'platform', 'steps'],
  engine: ['core', 'auth', 'platform', 'steps'],
  view: ['core', 'auth', 'platform', 'steps'],
  cli: ['core', 'auth', 'platform', 'steps', 'remote', 'engine', 'view'],
  main: ['cli'],
};
const PURE = ['core', 'auth', 'platform', 'steps'];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, folder: name.includes(sep) ? (name.split(sep)[0] ?? '') : 'main' }))
  .map((file) => ({ ...file, text: readFileSync(join(SRC, file.name), 'utf8') }));

/** Static and dynamic imports and re-exports. */
const importsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g)].map((match) => match[2] ?? '');

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');

/** What a pure file must not name: clocks, chance and the process. */
const IMPURE = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bperformance\b/,
  /\bprocess\s*[.[]/,
  /\bglobalThis\b/,
  /\bcrypto\s*[.[]/,
  /\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b/,
  /\bfetch\s*\(/,
  /\bconsole\s*\./,
  /\bBuffer\b/,
];

const breachesOf = (folder: string, name: string, text: string): readonly string[] => {
  const breaches: string[] = [];
  for (const target of importsOf(text)) {
    if (target.startsWith('.')) {
      const path = relative(SRC, join(SRC, dirname(name), target)).split(sep);
      const there = path.length > 1 ? (path[0] ?? '') : 'main';
      if (there !== folder && !MAY_IMPORT[folder]?.includes(there))
        breaches.push(`${name} imports ${target}`);
    } else if (PURE.includes(folder) && target.startsWith('node:'))
      breaches.push(`${name} imports ${target}`);
  }
  if (PURE.includes(folder)) {
    const code = withoutComments(text);
    for (const pattern of IMPURE) if (pattern.test(code)) breaches.push(`${name} uses ${pattern.source}`);
  }
  return breaches;
};

describe('the house keeps its layers', () => {
  test('every folder of src has its rule', () => {
    expect(
      [...new Set(files.map(({ folder }) => folder))].filter((folder) => !(folder in MAY_IMPORT)),
    ).toEqual([]);
    expect(files.length).toBeGreaterThan(40);
  });

  test('imports run inwards only, and the pure ring touches no clock, chance, process or node module', () => {
    expect(files.flatMap(({ folder, name, text }) => breachesOf(folder, name, text))).toEqual([]);
  });

  test('no file is called after nothing, and nothing is exported by default', () => {
    expect(
      files.filter(({ name }) => /(?:^|[/-])(?:utils?|helpers?|managers?|types)\.ts$/.test(name)),
    ).toEqual([]);
    expect(files.filter(({ text }) => /^export default\b/m.test(text)).map(({ name }) => name)).toEqual([]);
  });

  test('the rule itself sees a breach', () => {
    expect(
      breachesOf('view', join('view', 'x.ts'), "import { a } from '../engine/journal.ts';"),
    ).toHaveLength(1);
    expect(breachesOf('core', join('core', 'x.ts'), "import { a } from '../auth/b.ts';")).toHaveLength(1);
    expect(breachesOf('core', join('core', 'x.ts'), "import { a } from 'node:fs';")).toHaveLength(1);
    expect(breachesOf('steps', join('steps', 'x.ts'), 'const at = Date.now();')).toHaveLength(1);
    expect(breachesOf('steps', join('steps', 'x.ts'), '// Date.now() is the tempting way')).toEqual([]);
    expect(breachesOf('cli', join('cli', 'x.ts'), "import { a } from '../engine/journal.ts';")).toEqual([]);
  });
});

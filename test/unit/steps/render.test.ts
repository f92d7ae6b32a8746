import Handlebars from 'handlebars';
import { describe, expect, test } from 'vitest';
import { COMPILE_OPTIONS, HELPERS, makeRender } from '../../../src/steps/render.ts';
import { TEMPLATES } from '../../support/example-host.ts';

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Every node of a template's tree. */
const nodes = (value: unknown): readonly Node[] => {
  if (Array.isArray(value)) return value.flatMap(nodes);
  if (!isNode(value))
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(nodes) : [];
  return [value, ...Object.values(value).flatMap(nodes)];
};

const nameOf = (node: Node): string => (isNode(node['path']) ? String(node['path']['original']) : '');
const params = (node: Node): readonly Node[] => (node['params'] as readonly Node[] | undefined) ?? [];

const render = makeRender({
  word: 'x {{word x}}',
  words: '{{words x}}',
  ini: '{{ini x}}',
  path: '{{path x}}',
});

describe('the templates', () => {
  test.each(Object.entries(TEMPLATES))('every value of %s passes a typed helper', (_name, source) => {
    const all = nodes(Handlebars.parse(source));
    const kinds = new Set(all.map((node) => node.type));
    expect([...kinds].filter((kind) => /Partial|Decorator/.test(kind))).toEqual([]);
    for (const node of all) {
      switch (node.type) {
        case 'MustacheStatement':
          expect(Object.keys(HELPERS)).toContain(nameOf(node));
          expect(params(node)).toHaveLength(1);
          break;
        case 'BlockStatement': {
          // Handlebars takes a misspelt name in #if and #each for "no"; flag and list do not.
          const guard = { if: 'flag', each: 'list' }[nameOf(node)];
          expect(guard).toBeDefined();
          expect(params(node).map((param) => [param.type, nameOf(param)])).toEqual([
            ['SubExpression', guard],
          ]);
          break;
        }
        default:
          break;
      }
    }
    expect(() => Handlebars.create().precompile(source, COMPILE_OPTIONS)).not.toThrow();
  });
  test('there are templates', () => {
    expect(Object.keys(TEMPLATES)).toContain('pam-auth-sshd');
  });
});

describe('rendering', () => {
  test('changes no character of a value', () => {
    expect(render('ini', { x: `a=b&c"d'<>#` })).toBe(`a=b&c"d'<>#`);
  });
  test.each([
    ['word', undefined],
    ['word', 'a b'],
    ['word', 'a\nb'],
    ['word', ''],
    ['word', '-a'],
    ['word', 'a*'],
    ['word', '!a'],
    ['word', ['a']],
    ['words', []],
    ['words', ['a', 'b c']],
    ['ini', 'a\nfailmode = safe'],
    ['ini', 'a\rb'],
    ['ini', ' a'],
    ['ini', 'a '],
    ['ini', ';a'],
    ['ini', 'a ;b'],
    ['ini', ''],
    ['ini', 'ä'],
    ['path', 'relative'],
    ['path', '/a b'],
    ['path', '/a]b'],
  ])('a %s that is %j is refused, and the message does not repeat it', (name, x) => {
    expect(() => render(name, { x })).toThrow(/^template: a value is n[^\n]*$|not defined/);
  });
  test('a template that is not there is named', () => {
    expect(() => render('nothing', {})).toThrow('nothing.hbs');
  });
});

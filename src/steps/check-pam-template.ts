// What is wrong with an operator's template, with its place, before any host is connected to.
import Handlebars from 'handlebars';
import { readPamTemplate } from '../auth/pam-template.ts';
import { printable } from '../core/printable.ts';
import { HELPERS, type Render } from './render.ts';

/** A place in the template, 1-based; line 0 where it is not known. */
export interface TemplateProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Looks through a template of a PAM service's auth lines: whether Handlebars reads it, whether it uses nothing but the
 * helpers and names that there are, and whether what it renders is what libpam reads as auth lines.
 */
export const checkPamTemplate = (
  text: string,
  data: Readonly<Record<string, unknown>>,
  render: Render,
): readonly TemplateProblem[] => {
  const known = `Templates are Handlebars (no Jinja) and know ${Object.keys(data).join(', ')}, as in {{word sudoGroup}}, {{path modulePath}}, {{#if (flag breakGlass)}}.`;
  let tree: hbs.AST.Program;
  try {
    tree = Handlebars.parse(text);
  } catch (thrown) {
    return [{ ...placeOf(thrown, text), message: 'this is not Handlebars', remedy: known }];
  }
  const names = new NameCheck(new Set(Object.keys(data)));
  names.accept(tree);
  if (names.problems.length > 0) {
    return names.problems.map((problem) => ({ ...problem, remedy: known }));
  }
  let rendered: string;
  try {
    rendered = render({ text }, data);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return [{ ...placeOf(thrown, text), message: `it does not render: ${message}`, remedy: known }];
  }
  return readPamTemplate(rendered).problems.map(({ line, message }) => ({
    ...placeOfRendered(rendered.split('\n')[line - 1] ?? '', text),
    message,
    remedy: 'libpam makes a rule that always fails, or none at all, of a line that it cannot read.',
  }));
};

/** Names that are none of ours, and what could bring in text that nobody has looked through. */
class NameCheck extends Handlebars.Visitor {
  readonly problems: Omit<TemplateProblem, 'remedy'>[] = [];
  readonly #names: ReadonlySet<string>;

  constructor(names: ReadonlySet<string>) {
    super();
    this.#names = names;
  }

  override PathExpression(path: hbs.AST.PathExpression): void {
    // Whatever `this`, `../` and a dot lead to, in these flat data it is none of the names.
    if (!this.#names.has(path.original)) this.#complain(path, `there is no ${printable(path.original)}`);
  }

  override MustacheStatement(mustache: hbs.AST.MustacheStatement): void {
    if (!this.#isCall(mustache)) super.MustacheStatement(mustache);
  }

  override SubExpression(expression: hbs.AST.SubExpression): void {
    if (!this.#isCall(expression)) super.SubExpression(expression);
  }

  override BlockStatement(block: hbs.AST.BlockStatement): void {
    const name = block.path.type === 'PathExpression' ? block.path.original : '';
    if (name !== 'if' && name !== 'unless') {
      this.#complain(block, 'of blocks there are only {{#if}} and {{#unless}}');
      return;
    }
    this.acceptArray(block.params);
    this.accept(block.program);
    if (block.inverse !== undefined) this.accept(block.inverse);
  }

  override PartialStatement(partial: hbs.AST.PartialStatement): void {
    this.#complain(partial, 'there are no partials');
  }

  override PartialBlockStatement(partial: hbs.AST.PartialBlockStatement): void {
    this.#complain(partial, 'there are no partials');
  }

  override Decorator(decorator: hbs.AST.Decorator): void {
    this.#complain(decorator, 'there are no decorators');
  }

  override DecoratorBlock(decorator: hbs.AST.DecoratorBlock): void {
    this.#complain(decorator, 'there are no decorators');
  }

  /** A helper's name is no variable; what it is given is looked at. */
  #isCall({ path, params, hash }: hbs.AST.MustacheStatement | hbs.AST.SubExpression): boolean {
    if (path.type !== 'PathExpression' || params.length === 0) return false;
    const { original } = path as hbs.AST.PathExpression;
    if (!Object.hasOwn(HELPERS, original)) this.#complain(path, `there is no helper ${printable(original)}`);
    this.acceptArray(params);
    if (hash !== undefined) this.accept(hash);
    return true;
  }

  #complain({ loc }: hbs.AST.Node, message: string): void {
    this.problems.push({ line: loc.start.line, column: loc.start.column + 1, message });
  }
}

type Position = Pick<TemplateProblem, 'line' | 'column'>;

/** Handlebars' parser tells the line in words only ("Parse error on line 2"), its compiler as properties. */
const placeOf = (thrown: unknown, text: string): Position => {
  const { lineNumber, column, message } = thrown as {
    readonly lineNumber?: number;
    readonly column?: number;
    readonly message?: string;
  };
  if (lineNumber !== undefined) return { line: lineNumber, column: (column ?? 0) + 1 };
  const told = Number(/^(?:Parse|Lexical) error on line (\d+)/.exec(message ?? '')?.[1] ?? '0');
  const lines = text.split('\n');
  // At the end of the file: the last line that there is.
  const line = Math.min(told, text.endsWith('\n') ? lines.length - 1 : lines.length);
  return { line, column: Math.max(0, (lines[line - 1] ?? '').indexOf('{{')) + 1 };
};

/** A rendered line's place in the template, where it stands there as it was rendered, once. */
const placeOfRendered = (rendered: string, text: string): Position => {
  const lines = text.split('\n');
  const first = lines.indexOf(rendered);
  return first >= 0 && first === lines.lastIndexOf(rendered)
    ? { line: first + 1, column: 1 }
    : { line: 0, column: 0 };
};

// The auth lines that a PAM service gets: ours, or those of the operator's own template.
import { readPamTemplate } from '../auth/pam-template.ts';
import type { Finding } from '../core/finding.ts';
import type { Settings, TemplateService } from '../core/settings.ts';
import { breach, warning, type StepContext } from './step.ts';

/** The names that a template of a service's auth lines may use, and what they stand for on one host. */
export const pamTemplateData = (settings: Settings, modulePath: string) => ({
  breakGlass: settings.breakGlass !== null,
  breakGlassUser: settings.breakGlass?.user ?? '',
  accessGroup: settings.serverAccessGroup.toLowerCase(),
  sudoGroup: settings.sudoGroup.toLowerCase(),
  modulePath,
});

export interface AuthLines {
  /** `null`: the operator's template does not give any; then nothing may be changed. */
  readonly block: string | null;
  readonly findings: readonly Finding[];
}

/** A service's auth lines, each with its newline, and what is to be said about the template. */
export const authLinesOf = (context: StepContext, service: TemplateService): AuthLines => {
  const { render, settings, platform } = context;
  const template = settings.pamTemplates[service];
  const data = pamTemplateData(settings, platform.modulePath);
  if (template === null) return { block: render(`pam-auth-${service}`, data), findings: [] };
  const { authBlock, ignored, problems } = readPamTemplate(render(template, data));
  if (problems.length > 0) {
    // The files were looked through before the first connection; this is for who plans without that.
    const told = problems.map(({ line, message }) =>
      breach('template-broken', `${template.path}, line ${line} of what it renders: ${message}`),
    );
    return { block: null, findings: told };
  }
  return { block: authBlock, findings: ignored.length === 0 ? [] : [ignoredLines(template.path, ignored)] };
};

const ignoredLines = (path: string, lines: readonly number[]): Finding =>
  warning(
    'template-lines-ignored',
    `${path}: ${lines.length === 1 ? 'line' : 'lines'} ${spans(lines)} of what it renders ${lines.length === 1 ? 'is no auth line and is' : 'are no auth lines and are'} left out; account, session and password lines stay the host's own, since some of them keep people out`,
  );

/** `3, 5-9`. */
const spans = (numbers: readonly number[]): string => {
  const found: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last.to === number - 1) last.to = number;
    else found.push({ from: number, to: number });
  }
  return found.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
};

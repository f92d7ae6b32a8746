// The operator's own templates of PAM services: read beside the inventory, and looked through before anything else.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { InventoryHost } from '../core/inventory.ts';
import { TEMPLATE_SERVICES, type PamTemplate, type Settings } from '../core/settings.ts';
import type { SettingsDefaults } from '../core/settings-parse.ts';
import { PAM_MODULE_PATH } from '../platform/debian.ts';
import { checkPamTemplate } from '../steps/check-pam-template.ts';
import { pamTemplateData } from '../steps/pam-auth-lines.ts';
import { makeRender } from '../steps/render.ts';

/** A service file of a distribution has about 3 KiB. */
const TEMPLATE_BYTES_MAX = 64 * 1024;

type TemplateFile = PamTemplate | { readonly problem: string };

/**
 * Reads every file that a host's duo_pam_sshd_template or duo_pam_sudo_template names, each once.
 * @param where the inventory's folder, at which relative paths begin, and the home folder, for `~/`
 */
export const readPamTemplates = async (
  hosts: readonly InventoryHost[],
  where: { readonly folder: string; readonly home: string },
): Promise<NonNullable<SettingsDefaults['templates']>> => {
  const named = hosts.flatMap(({ variables }) =>
    TEMPLATE_SERVICES.map((service) => variables.get(`duo_pam_${service}_template`)?.value),
  );
  const files = new Map<string, TemplateFile>();
  for (const path of new Set(named.filter((value) => typeof value === 'string'))) {
    const full = path.startsWith('~/') ? join(where.home, path.slice(2)) : resolve(where.folder, path);
    files.set(path, await readTemplate(path, full));
  }
  return files;
};

const readTemplate = async (path: string, full: string): Promise<TemplateFile> => {
  const problem = (what: string): TemplateFile => ({ problem: `${what} (${full})` });
  // Or a pipe would be waited for.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const file = await open(full, flags).catch((thrown: unknown) => thrown as NodeJS.ErrnoException);
  if (file instanceof Error) return problem(`could not be read: ${file.code ?? file.message}`);
  try {
    if (!(await file.stat()).isFile()) return problem('is no regular file');
    // One byte more than may be: a file that grows while it is read is too large as well.
    const buffer = Buffer.alloc(TEMPLATE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead > TEMPLATE_BYTES_MAX) return problem(`is larger than ${TEMPLATE_BYTES_MAX / 1024} KiB`);
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead)) };
  } catch (thrown) {
    if (thrown instanceof TypeError) return problem('is not UTF-8');
    return problem(`could not be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  } finally {
    await file.close();
  }
};

/** What is wrong with the hosts' templates, each mistake once, with its place in the template. */
export const templateDiagnostics = (settings: readonly Settings[]): readonly Diagnostic[] => {
  const render = makeRender({});
  const found = new Map<string, Diagnostic>();
  const seen = new Set<string>();
  for (const each of settings) {
    const data = pamTemplateData(each, PAM_MODULE_PATH);
    for (const template of Object.values(each.pamTemplates)) {
      if (template === null) continue;
      // Thousands of hosts share a template and, for the most part, what it is given.
      const key = JSON.stringify([template.path, data]);
      if (seen.has(key)) continue;
      seen.add(key);
      for (const { line, column, message, remedy } of checkPamTemplate(template.text, data, render)) {
        const source = template.text.split('\n')[line - 1] ?? '';
        const diagnostic: Diagnostic = {
          severity: 'error',
          file: template.path,
          line,
          column,
          message,
          remedy,
          source,
        };
        found.set(JSON.stringify([diagnostic]), diagnostic);
      }
    }
  }
  return [...found.values()];
};

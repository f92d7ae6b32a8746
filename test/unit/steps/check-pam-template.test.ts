import { describe, expect, test } from 'vitest';
import { checkPamTemplate } from '../../../src/steps/check-pam-template.ts';
import { pamTemplateData } from '../../../src/steps/pam-auth-lines.ts';
import { makeRender } from '../../../src/steps/render.ts';
import { exampleSettings, TEMPLATES } from '../../support/example-host.ts';

const data = pamTemplateData(exampleSettings(), '/usr/lib64/security/pam_duo.so');
const check = (text: string) => checkPamTemplate(text, data, makeRender({}));
const AUTH = 'auth required pam_unix.so\n';

test.each(['pam-auth-sshd', 'pam-auth-sudo'])('our own %s passes', (name) => {
  expect(check(TEMPLATES[name] ?? '')).toEqual([]);
});

test('text without a variable passes as it is', () => {
  expect(check(`#%PAM-1.0\n${AUTH}@include common-account\n`)).toEqual([]);
});

describe('with its place, a template is told that', () => {
  test.each<[string, string, number, number, string]>([
    ['does not close a block', `${AUTH}{{#if (flag breakGlass)}}\n`, 2, 1, 'not Handlebars'],
    ['is Jinja', `${AUTH}auth x pam_y.so {{ ad_sudo_group | lower }}\n`, 2, 17, 'not Handlebars'],
    ['ends in a comment', `${AUTH}{{!-- x`, 2, 1, 'not Handlebars'],
    ['uses an unknown name', `${AUTH}# {{word sudogroup}}\n`, 2, 10, 'no sudogroup'],
    ['uses an unknown name by itself', `${AUTH}# {{ break_glass_user }}\n`, 2, 6, 'no break_glass_user'],
    ['uses an unknown name as a condition', `${AUTH}{{#if breakglass}}#{{/if}}\n`, 2, 7, 'no breakglass'],
    [
      'reaches into what a name stands for',
      `${AUTH}# {{word sudoGroup.length}}\n`,
      2,
      10,
      'sudoGroup.length',
    ],
    ['uses an unknown helper', `${AUTH}# {{lower sudoGroup}}\n`, 2, 5, 'no helper lower'],
    ['uses another block', `${AUTH}{{#each x}}{{/each}}\n`, 2, 1, '{{#if}}'],
    ['uses a partial', `${AUTH}{{> own}}\n`, 2, 1, 'no partials'],
    [
      'gives libpam a broken line',
      `${AUTH}{{#if (flag breakGlass)}}\nauth required\n{{/if}}\n`,
      3,
      1,
      'names no module',
    ],
  ])('%s', (_what, text, line, column, message) => {
    expect(check(text)).toEqual([
      expect.objectContaining({ line, column, message: expect.stringContaining(message) as string }),
    ]);
  });

  test('a helper does not take a value, without the value', () => {
    const [problem] = check(`${AUTH}# {{flag accessGroup}}\n`);
    expect(problem?.message).toContain('does not render');
    expect(JSON.stringify(problem)).not.toContain(data.accessGroup);
  });

  test('a rendered line that stands nowhere in the template as it is, is broken', () => {
    expect(check(`${AUTH}auth [{{word sudoGroup}}\n`)).toEqual([
      expect.objectContaining({ line: 0, message: expect.stringContaining('no module') as string }),
    ]);
  });
});

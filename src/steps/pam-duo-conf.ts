// The module's own settings file, as the module's own parser reads it.
import { reveal } from '../core/secret.ts';
import type { Settings } from '../core/settings.ts';
import { fileChange } from './file-change.ts';
import type { Step } from './step.ts';

/** pam_duo reads at most this many bytes of a line; what is past them becomes a line of its own (lib/ini.c, MAX_LINE). */
export const DUO_CONF_LINE_BYTES_MAX = 198;

/** /etc/duo/pam_duo.conf, 0600: with any more, pam_duo reads nothing of it and lets everybody pass (lib/util.c). */
export const pamDuoConf: Step = {
  id: 'pam-duo-conf',
  title: 'pam_duo.conf',
  reads: (_settings, platform) => ({ files: [{ path: platform.duoConfPath, text: true }] }),
  changes: (context) => {
    const { duo } = context.settings;
    const content = context.render('pam-duo-conf', {
      failmode: duo.failmode,
      ikey: duo.ikey,
      skey: reveal(context.openSecret(duo.skey)),
      host: duo.apiHost,
      options: duo.options.map(([key, value]) => ({ key, value })),
      groups: groupLines(context.settings),
    });
    for (const line of content.split('\n')) {
      if (new TextEncoder().encode(line).length > DUO_CONF_LINE_BYTES_MAX) {
        // The settings were checked for this; not naming the line keeps a secret out of the message.
        throw new Error('a line of pam_duo.conf is longer than pam_duo reads');
      }
    }
    return fileChange(context, {
      step: 'pam-duo-conf',
      path: context.platform.duoConfPath,
      content,
      mode: 0o600,
      mask: maskDuoConf,
    });
  },
};

/** Both groups on one line where they fit, else on two: lines add up in pam_duo. */
const groupLines = ({ serverAccessGroup, sudoGroup }: Settings): readonly string[] => {
  const names = [...new Set([serverAccessGroup.toLowerCase(), sudoGroup.toLowerCase()])];
  const joined = names.join(',');
  return `groups = ${joined}`.length <= DUO_CONF_LINE_BYTES_MAX ? [joined] : names;
};

/** The file's text with the secret key and a proxy's password masked, whatever the host has masked already. */
export const maskDuoConf = (text: string): string =>
  text
    .replace(/^([ \t]*skey[ \t]*=)[^\n]*/gim, '$1 [secret]')
    .replace(/^([ \t]*http_proxy[ \t]*=[ \t]*(?:http:\/\/)?)[^@\n]*@/gim, '$1[secret]@');

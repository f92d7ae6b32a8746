// The duo_* variables -> what pam_duo.conf will say.
import { DUO_LINE_BYTES_MAX, DUO_OPTIONS, REFUSED_DUO_OPTIONS, type DuoOption } from './duo-options.ts';
import { didYouMean } from './nearest-name.ts';
import { secretProblem } from './secret-ref.ts';
import { reveal, type SecretRef } from './secret.ts';
import type { DuoSettings } from './settings.ts';
import { KNOWN_VARIABLES } from './variables.ts';
import {
  bad,
  boolean,
  good,
  hostAndPort,
  integer,
  oneOf,
  secretRef,
  shown,
  text,
  textLike,
  type Check,
} from './variable-checks.ts';
import type { VariableReader } from './variable-reader.ts';

/** Where Duo serves its API; other names are let through with a warning, for test servers and gateways. */
const DUO_DOMAINS = /\.(?:duosecurity|duofederal)\.com$/i;

/** A value with its line of pam_duo.conf shorter than what the module reads at a time. */
const fitting =
  <T extends string>(key: string, check: Check<T>): Check<T> =>
  (variable) => {
    const checked = check(variable);
    // Every sign of a checked text is ASCII: as many bytes as characters.
    const bytes = checked.ok ? `${key} = ${checked.value}`.length : 0;
    return bytes < DUO_LINE_BYTES_MAX
      ? checked
      : bad(`makes a line of ${bytes} bytes in pam_duo.conf, which reads at most ${DUO_LINE_BYTES_MAX - 1}`);
  };

const integrationKey: Check<string> = (variable) => {
  const checked = textLike(/^\S+$/, 'one word')(variable);
  if (!checked.ok || /^DI[A-Z0-9]{18}$/.test(checked.value)) return checked;
  const message = `does not look like an integration key: ${shown(checked.value)}`;
  return good(checked.value, { message, remedy: 'Duo’s have 20 characters and begin with DI.' });
};

const secretKey: Check<SecretRef> = (variable) => {
  const checked = secretRef(variable);
  if (!checked.ok || checked.value.kind !== 'literal') return checked;
  const literal = reveal(checked.value.value);
  const problem = secretProblem('duo_skey', literal);
  if (problem !== '') return bad(problem);
  if (/^[A-Za-z0-9]{40}$/.test(literal)) return checked;
  const message = 'does not look like a secret key';
  return good(checked.value, { message, remedy: 'Duo’s have 40 letters and digits.' });
};

const apiHost: Check<string> = (variable) => {
  const checked = hostAndPort(variable);
  if (!checked.ok || DUO_DOMAINS.test(checked.value.split(':')[0] ?? '')) return checked;
  const message = `is not in duosecurity.com or duofederal.com: ${shown(checked.value)}`;
  return good(checked.value, { message, remedy: 'Right for a test server only.' });
};

const yesOrNo: Check<string> = (variable) => {
  const checked = boolean(variable);
  return checked.ok ? good(checked.value ? 'yes' : 'no') : checked;
};

const proxy: Check<string> = (variable) => {
  // A proxy's address counts as a secret while it is read, because a password may stand in it.
  const open = typeof variable.value === 'object' && variable.value !== null && 'toJSON' in variable.value;
  const given = open ? { ...variable, value: reveal(variable.value as never) } : variable;
  if (typeof given.value === 'string' && given.value.includes('@')) {
    return bad(
      'must not have a user or password in it: it would be shown in plans',
      'Let the proxy admit the hosts by their addresses.',
    );
  }
  const checked = text(given);
  if (!checked.ok) return checked;
  const [, authority = ''] = /^(?:http:\/\/)?([^/]*)\/?$/.exec(checked.value) ?? [];
  if (hostAndPort({ ...given, value: authority }).ok) return checked;
  return bad(
    `must be [http://]host[:port], not ${shown(checked.value)}`,
    'The module speaks http to a proxy only.',
  );
};

const checkOf = (option: DuoOption): Check<string> => {
  const { kind } = option;
  if (typeof kind === 'object') {
    return (variable) => {
      const checked = integer(kind)(variable);
      return checked.ok ? good(String(checked.value)) : checked;
    };
  }
  switch (kind) {
    case 'boolean':
      return yesOrNo;
    case 'absolute-path':
      return textLike(/^\/[A-Za-z0-9._/+-]*[A-Za-z0-9_+-]$/, 'the absolute path of a file');
    case 'proxy':
      return proxy;
    case 'delimiter':
      return textLike(/^[!%&()*+,\-./<=>?@[\]^_{|}~]$/, 'one punctuation mark, and no colon');
    default:
      return kind satisfies never;
  }
};

/** Checks that rest on more than one option, or on what an option means for the hosts' safety. */
const checkTogether = (reader: VariableReader, options: ReadonlyMap<string, string>): void => {
  if (options.get('noverify') === 'yes') {
    const message = 'turns the verification off: anybody between the host and Duo could approve a login';
    reader.complain('duo_noverify', 'error', {
      message,
      remedy: 'Remove it; duo_cafile names a CA of your own.',
    });
  }
  if (options.get('autopush') === 'yes' && options.get('verified_push') === 'yes') {
    const message = 'and duo_autopush are both on, which pam_duo takes for a mistake in its file';
    const name = 'duo_verified_push';
    reader.complain(name, 'error', {
      message,
      remedy: 'Set duo_autopush to no, or remove duo_verified_push.',
    });
  }
  if (options.get('https_timeout') === '0') {
    const message =
      "is 0: while Duo takes requests and does not answer, nobody in its groups gets in, whatever duo_failmode says, since sshd's LoginGraceTime ends the login first";
    reader.complain('duo_https_timeout', 'warning', { message, remedy: 'Remove it: 10 seconds then.' });
  }
  if (options.get('accept_env_factor') === 'yes') {
    const message = 'does nothing here: pam_duo reads it and ignores it, only login_duo heeds it';
    reader.complain('duo_accept_env_factor', 'warning', { message, remedy: '' });
  }
};

const readOptions = (reader: VariableReader): readonly (readonly [string, string])[] => {
  const options = new Map<string, string>();
  for (const option of DUO_OPTIONS) {
    const name = `duo_${option.key}`;
    const cafile = reader.host.variables.get(name);
    if (option.key === 'cafile' && cafile !== undefined && (cafile.value === null || cafile.value === '')) {
      const message =
        'is empty, which turns the verification off: anybody between the host and Duo could approve a login';
      reader.complain(name, 'error', { message, remedy: 'Remove it, or name a file of CA certificates.' });
      continue;
    }
    const value = reader.read(name, fitting(option.key, checkOf(option))) ?? option.preset;
    if (value !== null) options.set(option.key, value);
  }
  checkTogether(reader, options);
  return [...options];
};

const known: ReadonlySet<string> = new Set(KNOWN_VARIABLES);

/** Names that begin with `duo_` and are no variable of ours: refused, with the reason or the nearest name. */
const refuseOthers = (reader: VariableReader): void => {
  for (const name of reader.host.variables.keys()) {
    if (!/^duo_/i.test(name) || known.has(name)) continue;
    const key = name.slice('duo_'.length);
    const refused = Object.hasOwn(REFUSED_DUO_OPTIONS, key) ? REFUSED_DUO_OPTIONS[key] : undefined;
    reader.complainAtKey(
      name,
      'error',
      refused === undefined
        ? {
            message: 'is no variable that this program knows',
            remedy: `${didYouMean(name, KNOWN_VARIABLES)}Names of your own must not begin with duo_.`,
          }
        : { message: refused.why, remedy: refused.remedy },
    );
  }
};

/** Reads the duo_* variables; `null` when a required one is missing or wrong. */
export const readDuo = (reader: VariableReader): DuoSettings | null => {
  const ikey = reader.need('duo_ikey', fitting('ikey', integrationKey));
  const skey = reader.need('duo_skey', secretKey);
  const host = reader.need('duo_api_host', fitting('host', apiHost));
  const remedy = 'safe: who cannot reach Duo gets in without it; secure: nobody gets in. Letter for letter.';
  const failmode = reader.read('duo_failmode', oneOf(['safe', 'secure'], remedy)) ?? 'safe';
  const options = readOptions(reader);
  refuseOthers(reader);
  if (ikey === undefined || skey === undefined || host === undefined) return null;
  return { ikey, skey, apiHost: host, failmode, options };
};

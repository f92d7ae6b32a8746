// What `init` asks, and the inventory that the answers make.
import type { Diagnostic } from '../core/diagnostic.ts';
import { parseInventory } from '../core/parse-inventory.ts';
import { parseAllSettings } from '../core/settings-parse.ts';

/** One question; its answer is a variable's value, or the hosts. */
export interface InitQuestion {
  readonly name: keyof InitAnswers;
  /** What is asked, and what it is for: one line of a terminal of 80 columns. */
  readonly text: string;
  /** Taken where nothing is typed; '' where an answer is needed. */
  readonly usual: string;
}

/** Texts as they were typed. */
export interface InitAnswers {
  readonly hosts: string;
  readonly ansible_user: string;
  readonly ansible_ssh_private_key_file: string;
  readonly duo_ikey: string;
  readonly duo_api_host: string;
  readonly duo_skey: string;
  readonly ad_server_access_group: string;
  readonly ad_sudo_group: string;
  readonly break_glass_user: string;
  readonly pbr_admin_allowed_sources: string;
  readonly duo_failmode: string;
}

/** For break-glass: there is none. */
export const NONE = '-';

/** In the order in which they are asked. */
export const INIT_QUESTIONS: readonly InitQuestion[] = [
  {
    name: 'hosts',
    text: 'Hosts, with blanks between them: web1 db1=192.0.2.7 web[01:20]',
    usual: '',
  },
  {
    name: 'ansible_user',
    text: 'Automation account on the hosts: logs in by key, and sudo -n makes it root',
    usual: 'ansible',
  },
  {
    name: 'ansible_ssh_private_key_file',
    text: 'Its private key, on this machine',
    usual: '~/.ssh/id_ed25519',
  },
  {
    name: 'duo_ikey',
    text: 'Duo integration key (Duo Admin Panel: Applications > UNIX Application)',
    usual: '',
  },
  { name: 'duo_api_host', text: 'Duo API hostname (from the same page)', usual: '' },
  {
    name: 'duo_skey',
    text: 'Where the Duo secret key is kept: env:NAME, file:PATH, keyring:NAME, command:...',
    usual: 'env:DUO_SKEY',
  },
  {
    name: 'ad_server_access_group',
    text: 'Group whose members meet Duo at SSH login',
    usual: 'sg_serveraccess',
  },
  { name: 'ad_sudo_group', text: 'Group whose members meet Duo at sudo, too', usual: 'sg_sudo' },
  {
    name: 'break_glass_user',
    text: `Local account for the day when all else fails: password, no Duo (${NONE}: none)`,
    usual: 'breakglass',
  },
  {
    name: 'pbr_admin_allowed_sources',
    text: 'Addresses that it may come from, with commas between: 192.0.2.0/24',
    usual: '',
  },
  {
    name: 'duo_failmode',
    text: 'While Duo is away: safe (a key or password is enough) or secure (nobody gets in)',
    usual: 'safe',
  },
];

/** Sound ones, which stand in for what has not been asked yet. */
const STAND_INS: InitAnswers = {
  hosts: 'host1',
  ansible_user: 'ansible',
  ansible_ssh_private_key_file: '~/.ssh/id_ed25519',
  duo_ikey: 'DIXXXXXXXXXXXXXXXXXX',
  duo_api_host: 'api-12345678.duosecurity.com',
  duo_skey: 'env:DUO_SKEY',
  ad_server_access_group: 'sg_serveraccess',
  ad_sudo_group: 'sg_sudo',
  break_glass_user: 'breakglass',
  pbr_admin_allowed_sources: '192.0.2.0/24',
  duo_failmode: 'safe',
};

/** Whether a question has to be asked after these answers. */
export const isAsked = ({ name }: InitQuestion, answers: Partial<InitAnswers>): boolean =>
  name !== 'pbr_admin_allowed_sources' || answers.break_glass_user !== NONE;

/** Why an answer will not do, in the words that an inventory with it would get; `null`: it will. */
export const complaintAbout = (
  name: keyof InitAnswers,
  answer: string,
  answers: Partial<InitAnswers>,
): string | null => {
  if (answer === '') return 'this needs an answer';
  if (name === 'duo_skey' && !/^(?:env|file|keyring|command):./.test(answer)) {
    return 'name the place where the secret is kept, such as env:DUO_SKEY: the inventory is no place for it';
  }
  const all = diagnosticsOf({ ...STAND_INS, ...answers, [name]: answer });
  const error = all.find(({ severity }) => severity === 'error');
  return error === undefined ? null : told(error);
};

/** What an answer that will do makes one wonder. Asked of it alone: what was wondered at earlier is not told again. */
export const doubtsAbout = (name: keyof InitAnswers, answer: string): readonly string[] =>
  diagnosticsOf({ ...STAND_INS, [name]: answer })
    .filter(({ severity }) => severity === 'warning')
    .map(told);

const diagnosticsOf = (answers: InitAnswers): readonly Diagnostic[] => {
  const { inventory, diagnostics } = parseInventory(inventoryText(answers), 'inventory.yml');
  return [...diagnostics, ...parseAllSettings(inventory.hosts).diagnostics];
};

const told = ({ message, remedy }: Diagnostic): string => `${message}${remedy === '' ? '' : `. ${remedy}`}`;

/** JSON's texts are YAML's, too: whatever was typed stays one value. */
const quoted = (text: string): string => JSON.stringify(text);

const hostLines = (hosts: string): readonly string[] =>
  hosts
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map((word) => {
      const at = word.indexOf('=');
      return at < 0
        ? `    ${quoted(word)}: {}`
        : `    ${quoted(word.slice(0, at))}: {ansible_host: ${quoted(word.slice(at + 1))}}`;
    });

/** The inventory of all answers. */
export const inventoryText = (answers: InitAnswers): string => {
  const variable = (name: keyof InitAnswers): string => `    ${name}: ${quoted(answers[name])}`;
  const breakGlass = answers.break_glass_user !== NONE;
  return [
    '# Which hosts there are, and what is wanted of them. The example that comes with duo-fleet names every variable.',
    'all:',
    '  hosts:',
    ...hostLines(answers.hosts),
    '  vars:',
    '    # How hosts are reached: this account logs in by key, and "sudo -n" makes it root.',
    variable('ansible_user'),
    variable('ansible_ssh_private_key_file'),
    '',
    '    # The Duo application, and what happens while Duo cannot be reached.',
    variable('duo_ikey'),
    variable('duo_skey'),
    variable('duo_api_host'),
    variable('duo_failmode'),
    '',
    '    # Who meets Duo: at SSH login, and at sudo.',
    variable('ad_server_access_group'),
    variable('ad_sudo_group'),
    ...(breakGlass
      ? [
          '',
          '    # Who never does: a local account with a password, from these addresses only.',
          variable('break_glass_user'),
          variable('pbr_admin_allowed_sources'),
        ]
      : []),
    '',
  ].join('\n');
};

// Who stands before our PAM stacks, and what must become of each: for the walk in memory and for the real libpam.

/** Accounts that every Debian has, in the parts of our personas: group and account have the same name. */
export const PERSONAS = {
  breakGlass: 'games',
  accessMember: 'mail',
  sudoMember: 'news',
  local: 'man',
} as const;
export type Persona = keyof typeof PERSONAS;

export interface Situation {
  readonly persona: Persona;
  readonly duo: 'success' | 'error';
  readonly password: 'success' | 'error';
  /** What sshd has told PAM of the factors so far: SSH_AUTH_INFO_0. */
  readonly shown: string;
}

export const SHOWN = {
  nothing: '',
  key: 'publickey ssh-ed25519 AAAAC3',
  password: 'password',
  'a word that begins like a key': 'publickeys',
  'a key, but after a password': 'password\npublickey ssh-ed25519 AAAAC3',
} as const;

export const situations = (): readonly Situation[] =>
  (Object.keys(PERSONAS) as Persona[]).flatMap((persona) =>
    (['success', 'error'] as const).flatMap((duo) =>
      (['success', 'error'] as const).flatMap((password) =>
        Object.values(SHOWN).map((shown) => ({ persona, duo, password, shown })),
      ),
    ),
  );

/** At SSH login: members by key and Duo, whatever password they give; all others by password alone. */
export const mayLogIn = ({ persona, duo, password, shown }: Situation): boolean => {
  const meetsDuo = persona === 'accessMember' || persona === 'sudoMember';
  return meetsDuo ? shown === SHOWN.key && duo === 'success' : password === 'success';
};

/** At sudo: the password in any case, and Duo for members of the sudo group. */
export const maySudo = ({ persona, duo, password }: Situation): boolean =>
  password === 'success' && (persona !== 'sudoMember' || duo === 'success');

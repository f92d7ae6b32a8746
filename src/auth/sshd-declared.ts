// What sshd has to be set to for everybody, and whether a setting says otherwise.

/** What we declare for everybody, keyword in lower case as `sshd -T` prints it. */
export const DECLARED: Readonly<Record<string, string>> = {
  usepam: 'yes',
  kbdinteractiveauthentication: 'yes',
  pubkeyauthentication: 'yes',
  passwordauthentication: 'no',
  usedns: 'no',
  authenticationmethods: 'publickey,keyboard-interactive',
};

/**
 * The same for what files and options may say: the older name of keyboard-interactive too, and, from OpenSSH 9.8 on, the
 * PAM service, which we do not set.
 */
const DECLARED_IN_FILES: Readonly<Record<string, string>> = {
  ...DECLARED,
  challengeresponseauthentication: 'yes',
  pamservicename: 'sshd',
};

/** Whether a directive, were it to hold, is not what we declare. Keywords that we say nothing about never are. */
export const contradicts = (keyword: string, value: string): boolean => {
  const declared = DECLARED_IN_FILES[keyword];
  return declared !== undefined && declared !== value.toLowerCase();
};

/**
 * Whether every list of an AuthenticationMethods value wants a key first and then the conversation with PAM: the gate in
 * our PAM stack reads what sshd has verified first.
 */
export const isKeyThenConversation = (methods: string): boolean =>
  methods
    .toLowerCase()
    .split(/[ \t]+/)
    .every((list) => /^publickey,(?:.*,)?keyboard-interactive(?::pam)?(?:,.*)?$/.test(list));

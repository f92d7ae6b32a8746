// A key pair made on the spot.
import ssh2 from 'ssh2';

/** An ed25519 pair in OpenSSH's form. ssh2 writes one in some two hundred so that it cannot read it itself; those are passed over. */
export const sshKeyPair = (): { readonly private: string; readonly public: string } => {
  const pair = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(pair.private) instanceof Error ? sshKeyPair() : pair;
};

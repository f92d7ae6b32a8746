// The transport, aimed at a local sshd.
import { randomBytes } from 'node:crypto';
import { Secret } from '../../src/core/secret.ts';
import type { JumpHost } from '../../src/core/settings.ts';
import { createRemote, type RemoteOptions, type SharedRemote } from '../../src/remote/remote.ts';
import { LOCAL_PASSWORD, type LocalSshd } from './local-sshd.ts';

/** A transport that knows this sshd's host key and has no agent; `changes` come on top. */
export const localRemote = (sshd: LocalSshd, changes: Partial<RemoteOptions> = {}): SharedRemote =>
  createRemote({
    home: sshd.folder,
    agentSocket: null,
    env: process.env,
    hostKeys: knownAt(sshd, sshd.port),
    openSecret: () => new Secret(LOCAL_PASSWORD),
    randomBytes,
    random: () => 0,
    ...changes,
  });

/** The sshd's key, on file for another port: that of a proxy before it. */
export const knownAt = (sshd: LocalSshd, port: number): RemoteOptions['hostKeys'] => ({
  mode: 'strict',
  sources: [{ file: 'known_hosts', text: sshd.knownHosts.replace(`:${sshd.port} `, `:${port} `) }],
  append: () => undefined,
});

/** The sshd as a jump host. */
export const jumpAt = (sshd: LocalSshd, changes: Partial<JumpHost> = {}): JumpHost => ({
  name: 'gate',
  address: '127.0.0.1',
  port: sshd.port,
  user: 'auto',
  ...changes,
});

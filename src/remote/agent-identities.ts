// What an ssh-agent holds. ssh2 passes over in silence what it cannot use; here it is named.
import { connect } from 'node:net';
import { keyTypeOf } from './known-hosts.ts';

/** A key that an agent holds. */
export interface AgentIdentity {
  /** The public key's blob. */
  readonly blob: Buffer;
  /** `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  readonly comment: string;
}

/** An agent is on this machine: one that takes longer hangs. */
const ANSWER_MS = 5_000;
/** ssh-agent's own limit for a message (AGENT_MAX_LEN, ssh-agent.c). */
const ANSWER_BYTES_MAX = 256 * 1024;
/** draft-ietf-sshm-ssh-agent, section 6. */
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const LENGTH_BYTES = 4;

/** Asks an agent what it holds; `null` where it does not answer, or not in its protocol. */
export const agentIdentities = async (socket: string): Promise<readonly AgentIdentity[] | null> =>
  new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const stream = connect(socket);
    const end = (identities: readonly AgentIdentity[] | null): void => {
      clearTimeout(late);
      stream.destroy();
      resolve(identities);
    };
    const late = setTimeout(() => end(null), ANSWER_MS);
    stream.on('connect', () => stream.write(Buffer.from([0, 0, 0, 1, REQUEST_IDENTITIES])));
    stream.on('error', () => end(null));
    stream.on('close', () => end(null));
    stream.on('data', (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      if (answer.length < LENGTH_BYTES) return;
      const length = answer.readUInt32BE(0);
      if (length > ANSWER_BYTES_MAX) end(null);
      else if (answer.length >= LENGTH_BYTES + length)
        end(parseIdentities(answer.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
    });
  });

/** SSH_AGENT_IDENTITIES_ANSWER: a count, then a blob and a comment for each. */
const parseIdentities = (message: Buffer): readonly AgentIdentity[] | null => {
  if (message[0] !== IDENTITIES_ANSWER || message.length < 5) return null;
  const identities: AgentIdentity[] = [];
  let at = 5;
  const next = (): Buffer | null => {
    if (at + LENGTH_BYTES > message.length) return null;
    const from = at + LENGTH_BYTES;
    const to = from + message.readUInt32BE(at);
    at = to;
    return to > message.length ? null : message.subarray(from, to);
  };
  for (let left = message.readUInt32BE(1); left > 0; left -= 1) {
    const blob = next();
    const comment = next();
    if (blob === null || comment === null) return null;
    identities.push({ blob, type: keyTypeOf(blob), comment: comment.toString('utf8') });
  }
  return identities;
};

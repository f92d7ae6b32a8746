// Two round trips that ssh2 makes and the protocol does not ask for: one for each login by key, one for each program.
// This is the only file that reaches into ssh2; package.json pins the version that it was read in. Where its inside is
// another, nothing is changed and everything works, a round trip later.
import type { Client, ParsedKey } from 'ssh2';

type Sign = (data: Buffer, send: (signature: Buffer | Error) => void) => void;
type Answered = (failed: boolean) => void;

interface Channel {
  readonly outgoing?: { readonly id?: number };
  readonly _callbacks?: Answered[];
  readonly close?: () => void;
}
interface Inside {
  readonly _protocol?: {
    authPK: (user: string, key: ParsedKey, algorithm?: string, sign?: Sign) => void;
    exec: (channel: number, command: string, wantReply: boolean) => void;
  };
  readonly _chanMgr?: { readonly _channels?: Readonly<Record<string, Channel>> };
}

const HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/** Takes both shortcuts on a client; call it right after `connect`. */
export const takeShortcuts = (client: Client): void => {
  const inside = client as unknown as Inside;
  if (typeof inside._protocol?.authPK === 'function') signAtOnce(inside._protocol);
  if (typeof inside._protocol?.exec === 'function') writeAtOnce(inside._protocol, inside);
};

/**
 * ssh2 asks first whether a key would do and signs only then; RFC 4252 section 7 lets the signature come at once. Asking
 * spares a person a passphrase, and our key is open already. Keys of an agent are asked for as ever: it may want to
 * confirm each signature.
 */
const signAtOnce = (protocol: NonNullable<Inside['_protocol']>): void => {
  const offer = protocol.authPK.bind(protocol);
  protocol.authPK = (user, key, algorithm, sign) => {
    if (sign !== undefined || typeof algorithm === 'function' || !key.isPrivateKey?.()) {
      offer(user, key, algorithm, sign);
      return;
    }
    offer(user, key, algorithm, (data, send) => {
      const signature = key.sign(data, algorithm === undefined ? undefined : HASHES[algorithm]);
      // A key that cannot sign takes the ordinary way, which knows how to say so.
      if (signature instanceof Error) offer(user, key, algorithm);
      else send(signature);
    });
  };
};

/**
 * ssh2 hands out a program's streams when the server has said that it runs; data may follow the request at once (RFC 4254
 * section 6.5 orders them), and is lost only where the request is refused: then the channel closes without an exit
 * status, which is never taken for a success.
 */
const writeAtOnce = (protocol: NonNullable<Inside['_protocol']>, inside: Inside): void => {
  const request = protocol.exec.bind(protocol);
  protocol.exec = (id, command, wantReply) => {
    request(id, command, wantReply);
    const channel = Object.values(inside._chanMgr?._channels ?? {}).find((one) => one.outgoing?.id === id);
    const waiting = channel?._callbacks?.shift();
    if (waiting === undefined) return;
    channel?._callbacks?.push((failed) => {
      if (failed) channel.close?.();
    });
    waiting(false);
  };
};

// The transport, as every command that connects uses it.
import type { Remote } from '../core/remote.ts';
import { Secret } from '../core/secret.ts';
import type { AskOperator } from '../remote/asker.ts';
import { createRemote } from '../remote/remote.ts';
import { hostKeyOptions } from './host-key-files.ts';
import type { OpenedSecrets } from './open-secrets.ts';
import type { ConnectOptions } from './options.ts';
import type { Surroundings } from './surroundings.ts';

/** Makes the transport of one invocation; programs that it starts see no secret. @throws UsageError when a known_hosts file cannot be read */
export type RemoteOf = (
  options: ConnectOptions,
  secrets: Pick<OpenedSecrets, 'open' | 'env'>,
  surroundings: Surroundings,
) => Remote;

/** What is typed is a secret from here on. */
const askOperator = ({ prompt }: Surroundings): AskOperator | null =>
  prompt === null
    ? null
    : async (question) => {
        const answer = await prompt(question);
        return answer === null ? null : new Secret(answer);
      };

/** The real one, over ssh2. */
export const makeRemote: RemoteOf = (options, secrets, surroundings) =>
  createRemote({
    home: surroundings.home,
    agentSocket: surroundings.env['SSH_AUTH_SOCK'] || null,
    hostKeys: hostKeyOptions(options),
    openSecret: secrets.open,
    env: secrets.env,
    randomBytes: surroundings.randomBytes,
    random: Math.random,
    ask: askOperator(surroundings),
  });

// duo-fleet secret
import type { CommandModule } from 'yargs';
import type { OnChosen } from './command-module.ts';
import { flagsOf } from './flags.ts';
import { SECRET_ACTIONS } from './secret-options.ts';

/** Keeps secrets in the keyring, for `keyring:NAME` in the inventory. */
export const secretCommand = (onChosen: OnChosen): CommandModule => ({
  command: 'secret [action] [name]',
  describe: 'Keep secrets in the desktop keyring, for keyring:NAME in the inventory',
  builder: (yargs) =>
    yargs
      .positional('action', { type: 'string', describe: SECRET_ACTIONS.join(', ') })
      .positional('name', { type: 'string', describe: 'NAME, or SERVICE/NAME (the service is duo-fleet)' })
      .options(flagsOf('secret'))
      .example([
        ['duo-fleet secret set skey', 'Asks for it twice, unseen'],
        ['pass show duo/skey | duo-fleet secret set skey', 'Takes it from another program'],
        ['duo-fleet secret get skey', 'Whether it is there; --reveal prints it'],
        ['duo-fleet secret list', 'The names, no secrets'],
        ['duo-fleet secret delete skey', 'Forgets it'],
      ])
      .epilog(
        'Exit code 0: done, or there. 1: there is no such secret. 2: the keyring cannot be used, or usage.',
      ),
  handler: (raw) => onChosen('secret', raw),
});

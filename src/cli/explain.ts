// duo-fleet explain
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Says who gets in with what, and why; read-only. */
export const explainCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('explain', onChosen, {
    describe: 'Show who gets in with what, and why; read-only',
    examples: [
      ['duo-fleet explain --host web1', 'Everybody, by SSH and at sudo, however Duo answers'],
      ['duo-fleet explain --host web1 --planned', 'The same as it would be after apply'],
      [
        'duo-fleet explain --host web1 --user alice --duo deny',
        'One account, through the stacks line by line',
      ],
      ['duo-fleet explain --host web1 --from 192.0.2.7', 'Logins from that address'],
      ['duo-fleet explain --pam-dir ./pam.d --json', 'No host: what every service file of a folder answers'],
      ['duo-fleet explain --pam-dir ./pam.d --service sudo', 'One of them, line by line'],
    ],
  });

// Runs in the bastion's network namespace: takes connections that were accepted elsewhere and joins each to a host.
import { connect, type Socket } from 'node:net';

const SSH_PORT = 22;

// Nothing is read from an accepted connection before it is here: its listener pauses it.
process.on('message', (address: string, accepted: Socket | undefined) => {
  if (accepted === undefined) return;
  const onwards = connect({ host: address, port: SSH_PORT, noDelay: true });
  accepted.setNoDelay(true);
  accepted.pipe(onwards).pipe(accepted);
  for (const [one, other] of [
    [accepted, onwards],
    [onwards, accepted],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');

// A TCP proxy that counts round trips on the critical path, over any number of connections at once. Run as a program it
// stands in a lab fleet's network: `node --import tsx test/support/turn-depth.ts HOST PORT DELAY_MS` prints its port, and
// the depth reached for each line that it reads.
import { createServer, Socket, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** How deep a client's dependencies went. */
export interface TurnDepth {
  readonly port: number;
  /** Round trips, TCP handshakes included, on the longest chain of "sent after it had heard". */
  readonly depth: () => number;
  readonly close: () => void;
}

/**
 * Starts the proxy. Each direction is held back by `delayMs`, so that a chain can only be as long as the time allows for:
 * what goes side by side is counted once. A logical clock (Lamport): a message is as deep as the deepest answer that its
 * sender had before; an answer is one deeper than the deepest message that its connection had delivered.
 */
export const turnDepth = async (
  target: { readonly host: string; readonly port: number },
  delayMs: number,
): Promise<TurnDepth> => {
  let clientDepth = 0;
  const server: Server = createServer((client) => {
    const upstream = new Socket();
    // The handshake is a round trip: whatever is said on this connection comes after it.
    const connectDepth = clientDepth + 1;
    let serverDepth = connectDepth;
    let hungUp = false;
    // What comes after the client has hung up is an answer to nobody.
    client.on('end', () => {
      hungUp = true;
    });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
    }
    setTimeout(() => upstream.connect(target), delayMs);
    const later = (action: () => void): void => void setTimeout(action, delayMs);
    client.on('data', (bytes) => {
      const depth = Math.max(clientDepth, connectDepth);
      later(() => {
        serverDepth = Math.max(serverDepth, depth);
        if (!upstream.destroyed) upstream.write(bytes);
      });
    });
    upstream.on('data', (bytes) => {
      const depth = serverDepth + 1;
      later(() => {
        if (!hungUp) clientDepth = Math.max(clientDepth, depth);
        if (!client.destroyed) client.write(bytes);
      });
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('end', () => later(() => to.end()));
      from.on('close', () => later(() => to.destroy()));
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return { port: address.port, depth: () => clientDepth, close: () => server.close() };
};

const [, script, host, port, delayMs] = process.argv;
if (script !== undefined && import.meta.url === pathToFileURL(script).href) {
  const proxy = await turnDepth({ host: host ?? '', port: Number(port) }, Number(delayMs));
  process.stdout.write(`${proxy.port}\n`);
  for await (const _line of createInterface({ input: process.stdin }))
    process.stdout.write(`${proxy.depth()}\n`);
  process.exit(0);
}

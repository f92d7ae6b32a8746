// A TCP proxy that counts turns: how often the client has to wait for the server before it can go on.
import { createServer, Socket, type Server } from 'node:net';

/** A proxy in front of one server. */
export interface TurnCounter {
  readonly port: number;
  /** Round trips so far, the TCP handshake not counted: bursts of the client that came after something from the server. */
  readonly turns: () => number;
  readonly reset: () => void;
  /** Cuts all connections at once, as a dead cable's timeout would. */
  readonly cut: () => void;
  /** Holds back everything from now on, as a pulled cable: nobody is told. */
  readonly freeze: () => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts the proxy on a free port of 127.0.0.1. Each direction is held back by `delayMs`, so that what belongs to one
 * burst arrives as one: the count is of dependencies, not of packets.
 */
export const countTurns = async (
  target: { readonly host: string; readonly port: number },
  delayMs: number,
): Promise<TurnCounter> => {
  let turns = 0;
  let heard = true;
  let lastTurnAtMs = -Infinity;
  let frozen = false;
  const sockets = new Set<Socket>();
  const heardNow = (stage: 'sent' | 'delivered'): void => {
    if (stage === 'delivered') heard = true;
  };
  const askedNow = (stage: 'sent' | 'delivered'): void => {
    // What follows within half a delay was not waited for: it is the same burst, in several pieces.
    if (stage !== 'sent' || !heard || performance.now() - lastTurnAtMs < delayMs / 2) return;
    heard = false;
    lastTurnAtMs = performance.now();
    turns += 1;
  };
  const server: Server = createServer((client) => {
    // Connected only when the client's acknowledgement would have come in: a server greets then, not before.
    const upstream = new Socket();
    setTimeout(() => upstream.connect(target), delayMs);
    for (const socket of [client, upstream]) socket.setNoDelay(true);
    const relay = (from: Socket, to: Socket, note: (stage: 'sent' | 'delivered') => void): void => {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (frozen) return;
        note('sent');
        setTimeout(() => {
          note('delivered');
          if (!frozen && !to.destroyed) to.write(bytes);
        }, delayMs);
      });
      from.on('error', () => to.destroy());
      from.on('end', () => setTimeout(() => to.end(), delayMs));
      from.on('close', () => {
        sockets.delete(from);
        setTimeout(() => to.destroy(), delayMs);
      });
    };
    relay(client, upstream, askedNow);
    relay(upstream, client, heardNow);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    turns: () => turns,
    reset: () => {
      turns = 0;
      heard = true;
      lastTurnAtMs = -Infinity;
    },
    cut,
    freeze: () => {
      frozen = true;
    },
    close: async () => {
      cut();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
};

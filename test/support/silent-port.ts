// A port that takes no connection and refuses none: what a firewall that drops packets looks like.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface SilentPort {
  readonly close: () => void;
}

/** The queue of a listener that never accepts is full with so many more than its backlog of one. */
const FILL = 8;

const LISTENER = `require('node:net').createServer().listen(
  { port: Number(process.argv[1]), host: process.argv[2], backlog: 1 },
  () => process.stdout.write('listening'))`;

/** Listens on an address of this machine in a process that then stands still; when its queue is full, Linux drops SYNs. */
export const makeSilentPort = async (address: string, port: number): Promise<SilentPort> => {
  const child: ChildProcess = spawn(process.execPath, ['-e', LISTENER, String(port), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('a child without its pipe');
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const sockets: Socket[] = Array.from({ length: FILL }, () =>
    connect(port, address).on('error', () => undefined),
  );
  // The last of them will never be connected; the first ones have filled the queue when they are.
  await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, 'connect')));
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
    },
  };
};

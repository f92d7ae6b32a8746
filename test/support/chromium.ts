// Debian's chromium, headless, driven over its DevTools protocol by a pipe: no port is opened, nothing else is needed.
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

/** As `scripts/prepare` installs it; `null` where it is not. */
export const chromiumPath = (): string | null => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      const path = join(folder, 'chromium');
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
};

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
  '--remote-debugging-pipe',
];

/** How long the browser may take to answer. */
const ANSWER_MS = 60_000;

export interface Look {
  readonly width: number;
  readonly dark?: boolean;
  /** Scripts of the page do not run. */
  readonly scripts?: boolean;
}

/** A page that is open. */
export interface OpenPage {
  /** From the start of the navigation until everything was laid out and drawn, by the browser's own clock; NaN without scripts. */
  readonly openedMs: number;
  /** What that took of the processors, in all of the browser's processes: the same on a machine that does other things. */
  readonly openedCpuMs: number;
  /** What the browser complained of: scripts' errors, and what the page's policy kept from being loaded or run. */
  readonly complaints: () => readonly string[];
  /** Requests that the page made, but for itself. */
  readonly requests: () => readonly string[];
  /** The value of an expression, as JSON carries it. */
  readonly evaluate: <T>(expression: string) => Promise<T>;
  /** A PNG of the whole page, at most `heightMax` pixels of it. */
  readonly screenshot: (heightMax: number) => Promise<Buffer>;
}

export interface Chromium {
  readonly open: (path: string, look: Look) => Promise<OpenPage>;
  readonly close: () => Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** Starts a browser with a profile of its own. */
export const startChromium = async (path: string): Promise<Chromium> => {
  const profile = mkdtempSync(join(tmpdir(), 'duo-fleet-chromium-'));
  const child = spawn(path, [...ARGUMENTS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const protocol = speak(child);
  return {
    open: async (file, look) => {
      // One page at a time: those before it would take memory and time from it.
      const { targetInfos } = await protocol.send('Target.getTargets');
      for (const { targetId, type } of targetInfos as readonly { targetId: string; type: string }[]) {
        if (type === 'page') await protocol.send('Target.closeTarget', { targetId });
      }
      return openPage(protocol, file, look);
    },
    close: async () => {
      const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
      await protocol.send('Browser.close').catch(() => child.kill('SIGKILL'));
      await gone;
      // Its helpers may still write into the profile while they end.
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
};

type Listener = (message: Message) => void;
type Send = (
  method: string,
  params?: object,
  sessionId?: string,
) => Promise<Readonly<Record<string, unknown>>>;
interface Protocol {
  readonly send: Send;
  readonly listen: (listener: Listener) => void;
}

/** Messages are JSON with a NUL after each (chromium's content/browser/devtools/devtools_pipe_handler.cc). */
const speak = (child: ChildProcess): Protocol => {
  // As the five `stdio` entries above make them.
  const input = child.stdio[3] as Writable;
  const output = child.stdio[4] as Readable;
  const waiting = new Map<number, (message: Message) => void>();
  const listeners: Listener[] = [];
  let last = 0;
  let rest = '';
  output.setEncoding('utf8');
  output.on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      if (message.id === undefined) for (const listener of listeners) listener(message);
      else waiting.get(message.id)?.(message);
    }
  });
  input.on('error', () => undefined);
  return {
    listen: (listener) => void listeners.push(listener),
    send: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        last += 1;
        const id = last;
        const timer = setTimeout(() => reject(new Error(`chromium did not answer ${method}`)), ANSWER_MS);
        waiting.set(id, ({ result, error }) => {
          clearTimeout(timer);
          waiting.delete(id);
          if (error === undefined) resolve(result ?? {});
          else reject(new Error(`${method}: ${error.message}`));
        });
        const to = sessionId === undefined ? {} : { sessionId };
        input.write(`${JSON.stringify({ id, method, params, ...to })}\0`);
      }),
  };
};

const openPage = async ({ send, listen }: Protocol, file: string, look: Look): Promise<OpenPage> => {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const session = String(sessionId);
  const say = (method: string, params: object = {}) => send(method, params, session);
  const complaints: string[] = [];
  const requests: string[] = [];
  const url = pathToFileURL(file).href;
  const loaded = new Promise<void>((resolve) => {
    listen((message) => {
      if (message.sessionId !== session) return;
      if (message.method === 'Page.loadEventFired') resolve();
      if (message.method === 'Runtime.exceptionThrown' || message.method === 'Log.entryAdded') {
        complaints.push(JSON.stringify(message.params));
      }
      if (message.method === 'Network.requestWillBeSent') {
        const { request } = message.params as { readonly request: { readonly url: string } };
        if (request.url !== url) requests.push(request.url);
      }
    });
  });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await say(`${domain}.enable`);
  await say('Emulation.setDeviceMetricsOverride', {
    width: look.width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: look.width < 600,
  });
  const features = [{ name: 'prefers-color-scheme', value: look.dark === true ? 'dark' : 'light' }];
  await say('Emulation.setEmulatedMedia', { features });
  const before = await cpuSeconds(send);
  if (look.scripts === false) await say('Emulation.setScriptExecutionDisabled', { value: true });
  await say('Page.navigate', { url });
  await loaded;
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result } = await say('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    return (result as { readonly value: T }).value;
  };
  // Two frames later everything that is on the screen has been laid out and drawn.
  const drawn =
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))';
  // Where the page may run no script, none of its promises is kept either.
  const openedMs = look.scripts === false ? Number.NaN : await evaluate<number>(drawn);
  let openedCpuMs = 0;
  // A process of an earlier page that has ended meanwhile took nothing for this one.
  for (const [id, seconds] of await cpuSeconds(send)) openedCpuMs += (seconds - (before.get(id) ?? 0)) * 1000;
  return {
    openedMs,
    openedCpuMs,
    complaints: () => complaints,
    requests: () => requests,
    evaluate,
    screenshot: async (heightMax) => {
      const height = Math.min(heightMax, await evaluate<number>('document.documentElement.scrollHeight'));
      const clip = { x: 0, y: 0, width: look.width, height, scale: 1 };
      const { data } = await say('Page.captureScreenshot', { captureBeyondViewport: true, clip });
      return Buffer.from(String(data), 'base64');
    },
  };
};

/** Processors' time of each of the browser's processes so far, by their ids. */
const cpuSeconds = async (send: Send): Promise<ReadonlyMap<number, number>> => {
  const { processInfo } = await send('SystemInfo.getProcessInfo');
  return new Map(
    (processInfo as readonly { readonly id: number; readonly cpuTime: number }[]).map(({ id, cpuTime }) => [
      id,
      cpuTime,
    ]),
  );
};

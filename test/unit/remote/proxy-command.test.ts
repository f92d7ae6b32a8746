import { expect, test } from 'vitest';
import { proxyStream } from '../../../src/remote/proxy-command.ts';

test('a ProxyCommand has the environment that it is given, and nothing else of ours', async () => {
  process.env['DUO_FLEET_TEST_MARK'] = 'ours';
  try {
    const stream = proxyStream('env', 'web1', { env: { PATH: process.env['PATH'], GIVEN: 'yes' } });
    const chunks: Uint8Array[] = [];
    stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    await new Promise((resolve) => stream.once('close', resolve));
    const said = Buffer.concat(chunks).toString('utf8');
    expect(said).toContain('GIVEN=yes');
    expect(said).not.toContain('DUO_FLEET_TEST_MARK');
  } finally {
    delete process.env['DUO_FLEET_TEST_MARK'];
  }
});

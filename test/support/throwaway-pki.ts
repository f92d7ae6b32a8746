// Certificates for one test: an authority and what it has signed.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ThrowawayPki {
  /** The authority's certificate, world-readable. */
  readonly caFile: string;
  readonly ca: Buffer;
  /** A certificate for a name, and its key. */
  readonly issue: (name: string) => Promise<{ readonly certificate: Buffer; readonly key: Buffer }>;
  readonly remove: () => Promise<void>;
}

/** Makes an authority with openssl. */
export const makeThrowawayPki = async (): Promise<ThrowawayPki> => {
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-pki-'));
  const file = (name: string): string => join(folder, name);
  // Without a configuration of our own openssl adds its v3_ca section to every certificate.
  await writeFile(file('openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  const make = async (name: string, subject: string, more: readonly string[]): Promise<void> => {
    const base = ['req', '-x509', '-config', file('openssl.cnf'), '-days', '30', '-nodes'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', file(`${name}.key`)];
    await run('openssl', [...base, ...key, '-subj', `/CN=${subject}`, '-out', file(`${name}.pem`), ...more]);
  };
  await make('ca', 'A throw-away authority', ['-addext', 'basicConstraints=critical,CA:TRUE']);
  return {
    caFile: file('ca.pem'),
    ca: await readFile(file('ca.pem')),
    issue: async (name) => {
      const extensions = ['basicConstraints=critical,CA:FALSE', `subjectAltName=DNS:${name}`];
      const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key')];
      await make(name, name, [...signed, ...extensions.flatMap((line) => ['-addext', line])]);
      return { certificate: await readFile(file(`${name}.pem`)), key: await readFile(file(`${name}.key`)) };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { duoRoots } from '../../../src/remote/duo-roots.ts';

test('the module’s fifteen roots are Node’s own, but for those that Node does not have, which are named', () => {
  const { certificates, missing } = duoRoots();
  const names = certificates.map((pem) => /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1]);
  expect(new Set([...names, ...missing]).size).toBe(15);
  for (const name of [
    'Amazon Root CA 1',
    'DigiCert High Assurance EV Root CA',
    'DigiCert TLS RSA4096 Root G5',
  ])
    expect(names).toContain(name);
});

test('a root that browsers trust and the module does not is none of them', () => {
  const subjects = duoRoots().certificates.map((pem) => new X509Certificate(pem).subject);
  expect(subjects.join('\n')).not.toMatch(/ISRG|DigiCert Global Root|GTS Root R1/);
});

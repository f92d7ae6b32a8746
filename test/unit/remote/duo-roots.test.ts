import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { DUO_ROOTS_KEPT } from '../../../src/remote/duo-roots-kept.ts';
import { duoRoots } from '../../../src/remote/duo-roots.ts';

const nameOf = (pem: string): string => /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1] ?? '';

test('the module’s fifteen roots are Node’s own and those that it had once, but for one, which is named', () => {
  const { certificates, missing } = duoRoots();
  const names = certificates.map(nameOf);
  expect(new Set([...names, ...missing]).size).toBe(15);
  expect(['', 'IdenTrust Commercial Root TLS ECC CA 2']).toContain(missing.join());
});

test('what is kept is what its fingerprint says, and where Node still has it, the same to the byte', () => {
  for (const [fingerprint, pem] of Object.entries(DUO_ROOTS_KEPT)) {
    const kept = new X509Certificate(pem);
    expect(kept.fingerprint256).toBe(fingerprint);
    expect(kept.ca).toBe(true);
    const own = rootCertificates.find((each) => nameOf(each) === nameOf(pem));
    if (own !== undefined) expect(new X509Certificate(own).fingerprint256).toBe(fingerprint);
  }
});

test('a root that browsers trust and the module does not is none of them', () => {
  const subjects = duoRoots().certificates.map((pem) => new X509Certificate(pem).subject);
  expect(subjects.join('\n')).not.toMatch(/ISRG|DigiCert Global Root|GTS Root R1/);
});

// The certificate authorities that the module trusts when pam_duo.conf names no cafile.
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { DUO_ROOTS_KEPT } from './duo-roots-kept.ts';

/**
 * The name of each root in lib/cacert.h of duo_unix from 2.1.0 on (commit 6ec3464). Their certificates are
 * Node's own, or those that it had once: what an authority's name means is decided there, which of them count is decided here.
 */
const PINNED = [
  'Amazon Root CA 1',
  'Amazon Root CA 2',
  'Amazon Root CA 3',
  'Amazon Root CA 4',
  'Starfield Services Root Certificate Authority - G2',
  'Starfield Root Certificate Authority - G2',
  'DigiCert High Assurance EV Root CA',
  'DigiCert TLS ECC P384 Root G5',
  'DigiCert TLS RSA4096 Root G5',
  'GlobalSign Root R46',
  'GlobalSign Root E46',
  'GTS Root R2',
  'GTS Root R4',
  'IdenTrust Commercial Root CA 1',
  'IdenTrust Commercial Root TLS ECC CA 2',
] as const;

/** The roots that are known, and the names of those that are not. */
export interface DuoRoots {
  readonly certificates: readonly string[];
  readonly missing: readonly string[];
}

let roots: DuoRoots | null = null;

/** The module's roots; read out of Node's once in a process, which takes some 30 ms. */
export const duoRoots = (): DuoRoots => {
  roots ??= pick();
  return roots;
};

const pick = (): DuoRoots => {
  const byName = new Map(
    [...Object.values(DUO_ROOTS_KEPT), ...rootCertificates].map((pem) => [
      nameOf(new X509Certificate(pem)),
      pem,
    ]),
  );
  return {
    certificates: PINNED.flatMap((name) => byName.get(name) ?? []),
    missing: PINNED.filter((name) => !byName.has(name)),
  };
};

/** Node gives a subject as lines of `key=value`. */
const nameOf = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? '';

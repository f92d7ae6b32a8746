// What a preflight saw, as findings with their consequence: what logins would come to on this host.
import { compareDebianVersions } from '../core/debian-version.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import type { AddressFacts, PreflightFacts } from '../core/preflight.ts';
import { printable } from '../core/printable.ts';
import { CONNECT_S, PAUSES_S, unreachableS } from '../auth/duo-module.ts';
import type { Settings } from '../core/settings.ts';
import { enrolmentFindings } from './enrolment-findings.ts';
import { CLOCK_SKEW_MAX_S } from './host-findings.ts';
import { DUO_VERSION_MIN } from './packages.ts';
import { breach, warning } from './step.ts';

/** Duo refuses a signature whose date is further off than this (duo.com/docs/authapi). */
const DATE_REFUSED_S = 300;

/** What the findings are made from. */
export interface PreflightContext {
  readonly settings: Settings;
  readonly facts: Facts;
  /** Package name of the module on this platform. */
  readonly duoPackage: string;
  /** The module will be replaced or installed: the version that is there now does not count. */
  readonly packagesChange: boolean;
}

/** Findings of one host. Breaches mean that members of Duo's groups would not meet Duo, or would not get in. */
export const preflightFindings = (
  preflight: PreflightFacts,
  context: PreflightContext,
): readonly Finding[] => {
  if (preflight.unproven !== null) {
    const what = `could not be tried from here (${preflight.unproven})`;
    return [warning('duo-unproven', `whether this host reaches Duo ${what}; ${tryByHand(preflight)}`)];
  }
  const cafile = cafileFindings(preflight, context);
  const way = wayFindings(preflight, context);
  return [
    ...way,
    // Without its CA file nothing is trusted, which would be told twice.
    ...(cafile.length > 0 ? cafile : trustFindings(preflight, context)),
    ...graceFindings(preflight, context),
    ...clockFindings(preflight, context),
    ...(isTrusted(preflight) ? keysFindings(preflight, context) : []),
    ...enrolmentFindings(preflight.enrolment),
  ];
};

const isTrusted = ({ addresses }: PreflightFacts): boolean =>
  addresses.some(({ kind }) => kind === 'trusted');

const targetName = ({ target }: PreflightFacts): string =>
  `${target.isProxy ? 'the proxy ' : ''}${printable(target.name)}`;

const tryByHand = ({ target: { name, port } }: PreflightFacts): string =>
  `try it on the host: getent ahosts ${printable(name)}; timeout 10 bash -c '</dev/tcp/${printable(name)}/${port}' && echo reached`;

/** LoginGraceTime in seconds, `null`: none, or not known. `sshd -T` prints seconds; 0 is no limit (sshd_config(5)). */
const graceS = ({ facts }: PreflightContext): number | null => {
  const seconds = Number(facts.sshd.effective['*']?.['logingracetime']?.[0] ?? 0);
  return seconds > 0 ? seconds : null;
};

/** What members meet when the module gets no answer: the failmode decides. */
const withoutDuo = (context: PreflightContext, waits: number): string => {
  const { failmode } = context.settings.duo;
  const grace = graceS(context);
  const wait = `each login would wait about ${waits} s`;
  if (failmode === 'secure') return `with failmode secure no member of Duo's groups could log in (${wait})`;
  return grace !== null && waits >= grace
    ? `with failmode safe members of Duo's groups would get in without Duo, but ${wait}, and sshd's LoginGraceTime of ${grace} s ends it before that: nobody of them could log in`
    : `with failmode safe members of Duo's groups would get in without Duo, and ${wait}`;
};

/** Name, route and port. */
const wayFindings = (preflight: PreflightFacts, context: PreflightContext): readonly Finding[] => {
  const { addresses, target } = preflight;
  const name = targetName(preflight);
  if (addresses.length === 0) {
    return [
      breach(
        'duo-unresolved',
        `this host does not resolve ${name}: ${withoutDuo(context, PAUSES_S)}; correct ${target.isProxy ? 'duo_http_proxy' : 'duo_api_host'} or the host's name service (getent ahosts ${printable(target.name)})`,
      ),
    ];
  }
  const unreached = addresses.filter(({ kind }) => kind === 'refused' || kind === 'silent');
  const silent = addresses.filter(({ kind }) => kind === 'silent');
  if (unreached.length === addresses.length) {
    const list = unreached.map(addressWords).join(', ');
    return [
      breach(
        'duo-unreachable',
        `this host reaches no address of ${name} on port ${target.port} (${list}): ${withoutDuo(context, unreachableS(silent.length))}; let the host out to it (Duo asks not to filter by address)`,
      ),
    ];
  }
  const unproven = addresses.filter(({ kind }) => kind === 'unproven');
  return [
    ...(isTrusted(preflight) ? partFindings(preflight, context) : []),
    ...unproven.map((one) =>
      warning(
        'duo-unproven',
        `whether this host reaches Duo at ${one.address} could not be tried (${one.kind === 'unproven' ? one.why : ''}); ${tryByHand(preflight)}`,
      ),
    ),
  ];
};

const addressWords = ({ address, kind }: AddressFacts): string =>
  `${printable(address)} ${kind === 'silent' ? 'does not answer' : 'refuses, or has no route'}`;

const isIpv6 = ({ address }: AddressFacts): boolean => address.includes(':');

/** Some addresses answer, others do not: DNS changes their order, and a login that begins with a silent one waits for it. */
const partFindings = (preflight: PreflightFacts, context: PreflightContext): readonly Finding[] => {
  const { addresses } = preflight;
  // A host without IPv6 knows so at once and loses no time: that is how most are, and no news.
  const dead = addresses.filter((one) => one.kind === 'silent' || (one.kind === 'refused' && !isIpv6(one)));
  if (dead.length === 0) return [];
  const delayS = CONNECT_S * dead.filter(({ kind }) => kind === 'silent').length;
  const grace = graceS(context);
  const delay =
    delayS === 0
      ? 'logins lose no time by it'
      : `a login that tries ${dead.length === 1 ? 'it' : 'them'} first waits up to ${delayS} s${grace === null ? '' : `, of the ${grace} s of sshd's LoginGraceTime`}`;
  return [
    warning(
      'duo-address-unreachable',
      `of ${addresses.length} addresses of ${targetName(preflight)}, ${dead.length === 1 ? 'one is' : `${dead.length} are`} not reached (${dead.map(addressWords).join(', ')}); ${delay}; let the host out to all of them`,
    ),
  ];
};

/** The module reads this file before all else and refuses everybody without it (duo_unix lib/https.c, https_init). */
const cafileFindings = ({ cafile }: PreflightFacts, { settings }: PreflightContext): readonly Finding[] => {
  if (cafile === 'unused' || cafile === 'usable') return [];
  const path = settings.duo.options.find(([key]) => key === 'cafile')?.[1] ?? '';
  const what = cafile === 'missing' ? 'is not there' : 'has no certificate in it';
  return [
    breach(
      'duo-tls',
      `${path}, which duo_cafile names, ${what}: pam_duo would refuse every member of Duo's groups, whatever the failmode; put it there, or remove duo_cafile`,
    ),
  ];
};

/** TLS and the proxy before it. */
const trustFindings = (preflight: PreflightFacts, context: PreflightContext): readonly Finding[] => {
  const bad = preflight.addresses.flatMap((one) => {
    const why = distrustOf(one);
    return why === null ? [] : [{ why: `${printable(one.address)}: ${why}`, kind: one.kind }];
  });
  if (bad.length === 0) return [];
  const list = bad.map(({ why }) => why).join('; ');
  const trust =
    preflight.cafile === 'unused'
      ? 'the roots that pam_duo brings (a proxy that opens TLS needs its CA in a duo_cafile)'
      : 'the certificates of duo_cafile';
  const remedy = `what answers as ${context.settings.duo.apiHost} must have a certificate for that name by one of ${trust}`;
  if (isTrusted(preflight)) {
    return [
      warning(
        'duo-tls',
        `not every address of ${targetName(preflight)} is trusted: ${list}; a login that meets it gets no answer from there; ${remedy}`,
      ),
    ];
  }
  // What could not be tried might have been the one that is trusted.
  const unproven = preflight.addresses.some(({ kind }) => kind === 'unproven');
  const message = `this host gets no TLS connection to Duo that pam_duo would trust (${list}): ${consequenceOf(bad, context)}; ${remedy}`;
  return [unproven ? warning('duo-tls', message) : breach('duo-tls', message)];
};

const distrustOf = (one: AddressFacts): string | null => {
  switch (one.kind) {
    case 'untrusted':
      return `its certificate is not trusted (${one.why})`;
    case 'no-tls':
      return `it answers, but not with TLS (${one.why})`;
    case 'proxy-refused':
      return `the proxy answers CONNECT with HTTP ${one.status}`;
    case 'trusted':
    case 'refused':
    case 'silent':
    case 'unproven':
      return null;
    default:
      return one satisfies never;
  }
};

/** A proxy's 4xx is no failure to the module but a refusal, and no failmode helps (lib/https.c, HTTPS_ERR_CLIENT). */
const consequenceOf = (
  bad: readonly { readonly kind: AddressFacts['kind'] }[],
  context: PreflightContext,
): string =>
  bad.every(({ kind }) => kind === 'proxy-refused')
    ? "no member of Duo's groups could log in, whatever the failmode"
    : withoutDuo(context, PAUSES_S);

/** failmode safe is of no use when sshd gives up before the module does. */
const graceFindings = (preflight: PreflightFacts, context: PreflightContext): readonly Finding[] => {
  const grace = graceS(context);
  const count = preflight.addresses.length + preflight.addressesLeft;
  const waits = unreachableS(count);
  if (!isTrusted(preflight) || context.settings.duo.failmode === 'secure') return [];
  if (grace === null || waits < grace) return [];
  return [
    warning(
      'duo-grace-time',
      `${targetName(preflight)} has ${count} addresses: on a day when none of them answers, pam_duo tries for about ${waits} s before failmode safe lets anybody in, and sshd's LoginGraceTime ends a login after ${grace} s; raise LoginGraceTime above that`,
    ),
  ];
};

/** Duo's clock and not ours: ours may be the one that is wrong. */
const clockFindings = (preflight: PreflightFacts, context: PreflightContext): readonly Finding[] => {
  const { clock } = preflight;
  if (clock === null) return [];
  const skewS = Math.round(clock.hostEpochS - clock.duoEpochS);
  const offS = Math.abs(skewS);
  if (offS <= CLOCK_SKEW_MAX_S) return [];
  const what = `the host's clock is ${offS} s ${skewS > 0 ? 'ahead of' : 'behind'} Duo's`;
  const remedy = 'set it, and have it kept by NTP';
  const installed = context.facts.packages[context.duoPackage]?.version;
  const old =
    !context.packagesChange &&
    installed !== undefined &&
    compareDebianVersions(installed, DUO_VERSION_MIN) < 0;
  return offS > DATE_REFUSED_S && old
    ? [
        breach(
          'duo-clock',
          `${what}, and ${context.duoPackage} ${printable(installed)} signs by it, so that Duo refuses its requests as if the keys were wrong: ${withoutDuo(context, PAUSES_S)}; ${remedy}`,
        ),
      ]
    : [
        warning(
          'duo-clock',
          `${what}; the module makes up for it from ${DUO_VERSION_MIN} on, other programs do not; ${remedy}`,
        ),
      ];
};

const keysFindings = ({ keys }: PreflightFacts, context: PreflightContext): readonly Finding[] => {
  const { ikey, failmode } = context.settings.duo;
  switch (keys.kind) {
    case 'accepted':
      return [];
    case 'refused': {
      const consequence =
        failmode === 'safe'
          ? "with failmode safe every member of Duo's groups would get in without Duo"
          : "with failmode secure no member of Duo's groups could log in";
      return [
        breach(
          'duo-keys',
          `Duo does not take the keys (${keys.why}): ${consequence}; correct duo_ikey (${printable(ikey)}), duo_skey and duo_api_host: all three from the same application in Duo's admin panel`,
        ),
      ];
    }
    case 'unproven':
      return [
        warning(
          'duo-keys-unproven',
          `whether Duo takes the keys is not known: /auth/v2/check gave no yes or no (${keys.why}); a login of a member shows it, or canary_user`,
        ),
      ];
    default:
      return keys satisfies never;
  }
};

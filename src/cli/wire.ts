// The composition root: the one place where the pure ring, the transport and the engine meet.
import { setTimeout as sleepMs } from 'node:timers/promises';
import { asUserFindings } from '../auth/canary-findings.ts';
import type { ProbeMeans } from '../auth/expectation.ts';
import { canaryOf, probeOf, rehearsalOf, rollbackCanaryOf, rollbackRehearsalOf } from '../auth/rehearsal.ts';
import { deviationFrom } from '../core/approved-plan.ts';
import type { Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import type { Plan } from '../core/plan.ts';
import { Secret, type SecretRef } from '../core/secret.ts';
import type { Settings } from '../core/settings.ts';
import { transactionFiles } from '../core/transaction.ts';
import { makeEnrolmentBook, type EnrolmentBook } from '../engine/enrolment-book.ts';
import { makeExhibits, type Exhibits } from '../engine/exhibits.ts';
import { transact } from '../engine/transact.ts';
import type { PreflightDeps, RollbackDeps } from '../engine/transact-deps.ts';
import { platformOf, type Platform } from '../platform/debian.ts';
import { repositoryUrl } from '../steps/duo-repository.ts';
import { hostLogins } from '../steps/host-logins.ts';
import { makeObserveRequest } from '../steps/observe-request.ts';
import { differences, planHost } from '../steps/plan-host.ts';
import { judgeRollback, rollbackDifferences } from '../steps/judge-rollback.ts';
import { planRollback, type RollbackWish } from '../steps/plan-rollback.ts';
import { preflightFindings } from '../steps/preflight-findings.ts';
import { duoMembers, makePreflightRequest } from '../steps/preflight-request.ts';
import { makeRender } from '../steps/render.ts';
import type { StepTools } from '../steps/step.ts';
import type { Wire, WireOrder } from './carry-run.ts';
import { declaredOf } from './declared-version.ts';
import { makeRemote } from './make-remote.ts';
import { readGuardScript, readTemplates } from './product-files.ts';
import { fetchKeyrings } from './repository-key.ts';
import { sha256 } from './sha256.ts';
import type { Surroundings } from './surroundings.ts';

const NONCE_BYTES = 16;
const TX_BYTES = 4;

/** Puts a real engine together for one run. */
export const wire: Wire = async (order, surroundings) => {
  const { nowMs } = surroundings;
  const { command, options, run, secrets } = order;
  // A rollback writes no repository, and must go while nobody can reach one.
  const declared = command === 'rollback' ? [] : order.settings;
  const keyringOf = await fetchKeyrings(declared, { nowMs: nowMs(), say: order.say });
  const remote = order.transport.of(() => makeRemote(options, secrets, surroundings));
  await remote.prepare?.(order.settings);
  const render = makeRender(readTemplates());
  const guardScript = readGuardScript();
  const toolsFor = (settings: Settings): StepTools => ({
    render,
    sha256,
    keyring: keyringOf(settings),
    openSecret: secrets.open,
    // Asked at once after the facts came in, so that both clocks are read within a round trip.
    controllerEpochS: Math.floor(nowMs() / 1000),
  });
  const wrong = new Secret(hex(surroundings, NONCE_BYTES));
  const opened = (ref: SecretRef | null | undefined): Secret | null =>
    ref === null || ref === undefined ? null : secrets.open(ref);
  // Nobody gets pushes for a whole fleet: the first host's login is the one that is approved by hand.
  const asUserOn = (host: string): string | null => (host === order.first ? options.as : null);
  // A password is sent to whoever answers: not where nobody looks who that is.
  const isKnownHost = options.hostKeys !== 'off';
  if (!isKnownHost && order.settings.some(({ breakGlass }) => (breakGlass?.password ?? null) !== null)) {
    order.say('break_glass_password is not tried with --host-keys off: it could be anybody who gets it.');
  }
  const meansFor = ({ host, breakGlass, canary }: Settings): ProbeMeans => ({
    wrong,
    empty: new Secret(''),
    breakGlassPassword: isKnownHost ? opened(breakGlass?.password) : null,
    canaryPasscode: opened(canary?.passcode),
    asUser: asUserOn(host),
  });
  const preflight = preflightDeps(order);
  const { rollback } = order;
  const exhibits = makeExhibits();
  return (settings, emit, bake) =>
    transact(settings, {
      mode: command === 'resume' ? 'apply' : command,
      rollback: rollback === null ? null : rollbackDeps(rollback, exhibits),
      earlier: order.earlier,
      bake,
      reason: options.reason,
      remote,
      emit,
      run,
      operator: surroundings.operator,
      leaseS: options.leaseS,
      nowMs,
      sleep: (ms) => sleepMs(ms),
      newTx: () => `${run}-${hex(surroundings, TX_BYTES)}`,
      newNonce: () => hex(surroundings, NONCE_BYTES),
      observeRequest: (host, sourceAddress) => {
        const request = makeObserveRequest(host, { sourceAddress });
        const asUser = asUserOn(host.host);
        return asUser === null ? request : { ...request, accounts: [...request.accounts, asUser] };
      },
      makePlan: (facts, host) => {
        const plan = planHost(facts, host, toolsFor(host));
        const asUser = asUserOn(host.host);
        return asUser === null
          ? plan
          : { ...plan, findings: [...plan.findings, ...asUserFindings(asUser, host, facts)] };
      },
      deviation: (plan, host) => {
        const approved = order.approved?.hosts.get(host.host);
        return approved === undefined
          ? ''
          : deviationFrom(approved, plan, { declared: declaredOf(host), sha256 });
      },
      // The model reads contents, and those of a snapshot never leave the host.
      show: (plan, facts, host) =>
        exhibits.ofPlan(
          plan,
          // What a rollback changes is read later, where it lies on the host.
          rollback === null || plan.changes.length === 0 ? hostLogins(facts, host, plan.changes) : null,
        ),
      differences: (facts, host, plan) =>
        rollback === null ? differences(facts, host, toolsFor(host)) : rollbackDifferences(facts, plan),
      preflight,
      rehearsal: (host, facts) =>
        rollback === null
          ? rehearsalOf(host, facts, meansFor(host))
          : rollbackRehearsalOf(host, facts, meansFor(host)),
      canary: (host, facts, sourceAddress) =>
        (rollback === null ? canaryOf : rollbackCanaryOf)(host, facts, {
          means: meansFor(host),
          sourceAddress,
        }),
      transactionFiles: (plan, facts, host) => {
        const platform = platformFor(facts);
        return transactionFiles(plan.changes, facts, {
          modulePath: needsModule(plan, facts, platform) ? platform.modulePath : null,
          repositoryUrl: repositoryUrl(host, platform),
          source: plan.rollback?.tx,
        });
      },
      guardScript,
      onPlan: order.onPlan,
      probe: options.probe
        ? (host, sourceAddress) => probeOf(host, { means: meansFor(host), sourceAddress })
        : null,
    });
};

const rollbackDeps = (wish: RollbackWish, exhibits: Exhibits): RollbackDeps => ({
  run: wish.run,
  plan: (kept, facts, settings) => planRollback(kept, facts, { settings, wish, sha256 }),
  logins: ({ now, after }, settings) => {
    const [before, then] = [now, after].map((facts) => hostLogins(facts, settings, [])?.now);
    return before === undefined || then === undefined
      ? null
      : exhibits.ofLogins({ now: before, after: then });
  },
  judge: judgeRollback,
});

/** Whether Duo's module has to load in the end: always, but where a rollback has its package go, or never had it. */
const needsModule = (plan: Plan, facts: Facts, { duoPackage }: Platform): boolean => {
  if (plan.rollback === undefined) return true;
  const packages = plan.changes.filter((change) => change.kind === 'restore-packages');
  if (packages.some(({ purge }) => purge.includes(duoPackage))) return false;
  return (
    packages.some(({ install }) => install.some(({ name }) => name === duoPackage)) ||
    facts.packages[duoPackage]?.status === 'installed'
  );
};

/** One book for each application of Duo's that the run's hosts belong to. */
const preflightDeps = ({ options, secrets }: WireOrder): PreflightDeps => {
  const books = new Map<string, EnrolmentBook>();
  return {
    members: options.checkEnrolment ? duoMembers : null,
    request: (settings, enrolment) => makePreflightRequest(settings, secrets.open, enrolment),
    bookFor: ({ duo }) => {
      const application = `${duo.ikey}@${duo.apiHost}`;
      const book = books.get(application) ?? makeEnrolmentBook();
      books.set(application, book);
      return book;
    },
    findings: (seen, { settings, facts, plan }) =>
      preflightFindings(seen, {
        settings,
        facts,
        duoPackage: platformFor(facts).duoPackage,
        packagesChange: plan.changes.some(({ kind }) => kind === 'packages'),
      }),
  };
};

/** A host whose platform is refused has a breach in its plan and never gets as far as a transaction. */
const platformFor = (facts: Facts): Platform => {
  const platform = platformOf(facts);
  if ('refused' in platform) throw new Failure('bug', `a transaction on a host that ${platform.refused}`);
  return platform;
};

const hex = ({ randomBytes }: Surroundings, bytes: number): string =>
  Buffer.from(randomBytes(bytes)).toString('hex');

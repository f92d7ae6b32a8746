// The composition root: the one place where the pure ring, the transport and the engine meet.
import { createHash } from 'node:crypto';
import { setTimeout as sleepMs } from 'node:timers/promises';
import { rehearsalOf } from '../auth/rehearsal.ts';
import type { Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import { Secret } from '../core/secret.ts';
import type { Settings } from '../core/settings.ts';
import { transactionFiles } from '../core/transaction.ts';
import { transact } from '../engine/transact.ts';
import { platformOf, type Platform } from '../platform/debian.ts';
import { createRemote } from '../remote/remote.ts';
import { repositoryUrl } from '../steps/duo-repository.ts';
import { makeObserveRequest } from '../steps/observe-request.ts';
import { differences, planHost } from '../steps/plan-host.ts';
import { makeRender } from '../steps/render.ts';
import type { StepTools } from '../steps/step.ts';
import { hostKeyOptions } from './host-key-files.ts';
import type { Wire } from './invoke.ts';
import { probeHost } from './probe.ts';
import { readGuardScript, readTemplates } from './product-files.ts';
import { fetchKeyrings } from './repository-key.ts';
import type { Surroundings } from './surroundings.ts';

const NONCE_BYTES = 16;
const TX_BYTES = 4;

/** Puts a real engine together for one run. */
export const wire: Wire = async (order, surroundings) => {
  const { nowMs } = surroundings;
  const { command, options, run, secrets } = order;
  const keyringOf = await fetchKeyrings(order.settings, { nowMs: nowMs(), say: order.say });
  const remote = createRemote({
    home: surroundings.home,
    agentSocket: surroundings.env['SSH_AUTH_SOCK'] || null,
    hostKeys: hostKeyOptions(options),
    openSecret: secrets.open,
    randomBytes: surroundings.randomBytes,
    random: Math.random,
  });
  const render = makeRender(readTemplates());
  const guardScript = readGuardScript();
  const toolsFor = (settings: Settings): StepTools => ({
    render,
    sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    keyring: keyringOf(settings),
    openSecret: secrets.open,
    // Asked at once after the facts came in, so that both clocks are read within a round trip.
    controllerEpochS: Math.floor(nowMs() / 1000),
  });
  const passwords = { wrong: new Secret(hex(surroundings, NONCE_BYTES)), empty: new Secret('') };
  return (settings, emit) =>
    transact(settings, {
      mode: command,
      remote,
      emit,
      run,
      operator: surroundings.operator,
      leaseS: options.leaseS,
      nowMs,
      sleep: (ms) => sleepMs(ms),
      newTx: () => `${run}-${hex(surroundings, TX_BYTES)}`,
      newNonce: () => hex(surroundings, NONCE_BYTES),
      observeRequest: (host, sourceAddress) => makeObserveRequest(host, { sourceAddress }),
      makePlan: (facts, host) => planHost(facts, host, toolsFor(host)),
      differences: (facts, host) => differences(facts, host, toolsFor(host)),
      rehearsal: (host, facts) => rehearsalOf(host, facts, passwords),
      transactionFiles: (plan, facts, host) => {
        const platform = platformFor(facts);
        return transactionFiles(plan.changes, facts, {
          modulePath: platform.modulePath,
          repositoryUrl: repositoryUrl(host, platform),
        });
      },
      guardScript,
      onPlan: order.onPlan,
      probe: options.probe ? (host) => probeHost(host, remote) : null,
    });
};

/** A host whose platform is refused has a breach in its plan and never gets as far as a transaction. */
const platformFor = (facts: Facts): Platform => {
  const platform = platformOf(facts);
  if ('refused' in platform) throw new Failure('bug', `a transaction on a host that ${platform.refused}`);
  return platform;
};

const hex = ({ randomBytes }: Surroundings, bytes: number): string =>
  Buffer.from(randomBytes(bytes)).toString('hex');

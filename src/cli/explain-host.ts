// `explain` of one host: looks once, read-only, and tells who gets in with what.
import { createHash } from 'node:crypto';
import { doorModels } from '../auth/door-model.ts';
import type { DuoAnswer } from '../auth/duo-answer.ts';
import { explainNotes, explainPersonas, type Explanation } from '../auth/explanation.ts';
import type { PamFolder } from '../auth/pam-situation.ts';
import type { Persona } from '../auth/persona.ts';
import { personaFor, personasOf } from '../auth/personas.ts';
import type { Facts } from '../core/facts.ts';
import { asFailure, type FailureReport } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { Remote } from '../core/remote.ts';
import { makeHarmless } from '../core/scrub.ts';
import type { Settings } from '../core/settings.ts';
import { DEADLINES } from '../engine/deadlines.ts';
import { platformOf } from '../platform/debian.ts';
import { explainRequest, type ExplainRequest } from '../steps/explain-request.ts';
import { nominalPlatform } from '../steps/observe-request.ts';
import { planHost } from '../steps/plan-host.ts';
import { makeRender } from '../steps/render.ts';
import { explainDocument } from '../view/explain-document.ts';
import { explainLines } from '../view/explain-lines.ts';
import { shown } from '../view/words.ts';
import type { Ending } from './ending.ts';
import { EXPLAIN_WIDTH_MAX, type ExplainOptions } from './explain-options.ts';
import { loadFleet } from './load-fleet.ts';
import type { RemoteOf } from './make-remote.ts';
import { readyFleet, readySecrets, type OpenedSecrets } from './open-secrets.ts';
import { DUO_SHOWN, HOST_SERVICES, type HostService } from './flags.ts';
import { paintOf } from './paint-of.ts';
import { readTemplates } from './product-files.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

type HostOptions = Extract<ExplainOptions, { readonly kind: 'host' }>;

/**
 * Explains one host of the inventory. It is no run: nothing is locked on the host, and no journal is kept.
 * @throws UsageError where the question cannot be answered
 */
export const explainHost = async (
  options: HostOptions,
  surroundings: Surroundings,
  remoteOf: RemoteOf,
): Promise<Ending> => {
  const { settings, secrets } = await oneHost(options, surroundings);
  const scrub = makeHarmless(secrets.values);
  const { stdout, stderr } = surroundings;
  const tell = (outcome: Explanation | FailureReport): string =>
    `${JSON.stringify(explainDocument(outcome, { ...options, host: settings.host }))}\n`;
  let explanation: Explanation;
  const remote = remoteOf(options.connect, secrets, surroundings);
  try {
    explanation = scrub(explained(await look(settings, options, remote), settings, { options, secrets }));
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    const { reason, message } = asFailure(thrown);
    const failure = scrub({ step: 'observe', reason, message: shown(message) });
    if (options.json) await stdout.write(tell(failure));
    await stderr.write(
      `duo-fleet: ${failure.message}\nNothing was touched on ${printable(settings.host)}.\n`,
    );
    return { exitCode: 1, endNow: false };
  } finally {
    remote.close?.();
  }
  const lines = explainLines(explanation, {
    services: servicesOf(options),
    isWalk: options.user !== null,
    width: Math.min(EXPLAIN_WIDTH_MAX, stdout.size().columns),
    paint: paintOf(stdout, surroundings),
  });
  await stdout.write(options.json ? tell(explanation) : `${lines.join('\n')}\n`);
  return { exitCode: 0, endNow: false };
};

const servicesOf = ({ service }: HostOptions): readonly HostService[] =>
  service === null ? HOST_SERVICES : [service];

const oneHost = async (
  { connect }: HostOptions,
  surroundings: Surroundings,
): Promise<{ readonly settings: Settings; readonly secrets: OpenedSecrets }> => {
  const fleet = await loadFleet(connect, surroundings);
  if (fleet.settings.length > 1) {
    throw new UsageError(
      `explain looks at one host, and ${fleet.inventory} has ${fleet.settings.length} that could be meant: name one with --host`,
    );
  }
  await readyFleet(fleet, surroundings);
  const secrets = await readySecrets(fleet, surroundings);
  const [settings] = fleet.settings;
  if (settings === undefined) throw new UsageError(`${fleet.inventory}: no host is meant`);
  return { settings, secrets };
};

interface Seen {
  readonly facts: Facts;
  readonly asAsked: ExplainRequest['asAsked'];
}

/** One connection and one round trip. @throws Failure */
const look = async (settings: Settings, { user, from }: HostOptions, remote: Remote): Promise<Seen> => {
  await remote.prepare?.([settings]);
  const session = await remote.connect(settings, { deadlineMs: DEADLINES.connectMs });
  try {
    const { sourceAddress } = session;
    const { request, asAsked } = explainRequest(settings, { user, from, sourceAddress });
    return { facts: await session.observe(request, DEADLINES.observeMs), asAsked };
  } finally {
    session.close();
  }
};

/** @throws UsageError for a user whom the host does not know, and where apply would refuse the host */
const explained = (
  { facts, asAsked }: Seen,
  settings: Settings,
  { options, secrets }: { readonly options: HostOptions; readonly secrets: OpenedSecrets },
): Explanation => {
  const { host } = settings;
  const found = platformOf(facts);
  const platform = 'refused' in found ? nominalPlatform() : found;
  const plan = options.planned ? planOf(facts, settings, secrets) : null;
  const { before, after } = doorModels(facts, settings, { changes: plan?.changes ?? [], places: platform });
  const model = options.planned ? after : before;
  const personas = personasAsked(facts, settings, { user: options.user, stacks: [model.host.files] }).flatMap(
    (persona) => asAsked(persona) ?? [],
  );
  const answers: readonly DuoAnswer[] = options.duo === null ? DUO_SHOWN : [options.duo];
  const breaches = plan?.findings.filter(({ severity }) => severity === 'breach').length ?? 0;
  return {
    host,
    state: options.planned ? 'planned' : 'live',
    personas: explainPersonas(model, personas, answers),
    notes: [
      ...explainNotes(model, {
        facts,
        services: servicesOf(options),
        duoConfPath: platform.duoConfPath,
      }),
      ...(breaches > 0
        ? [
            `apply would refuse this host, for ${breaches === 1 ? 'a reason' : `${breaches} reasons`} that plan names`,
          ]
        : []),
    ],
  };
};

/** What apply would do. The repository's key is not fetched for it: no login depends on it. */
const planOf = (facts: Facts, settings: Settings, secrets: OpenedSecrets) =>
  planHost(facts, settings, {
    render: makeRender(readTemplates()),
    sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    keyring: new Uint8Array(),
    openSecret: secrets.open,
    controllerEpochS: null,
  });

const personasAsked = (
  facts: Facts,
  settings: Settings,
  { user, stacks }: { readonly user: string | null; readonly stacks: readonly PamFolder[] },
): readonly Persona[] => {
  if (user === null) return personasOf(facts, settings, stacks);
  const persona = personaFor(facts, settings, user);
  if (persona === null)
    throw new UsageError(
      `${settings.host} knows no account ${JSON.stringify(user)} (getent passwd there): correct --user, or look at the host's directory service`,
    );
  return [persona];
};

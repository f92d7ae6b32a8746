// What the model says of a host whose candidate files are swapped for others, as a template of the operator's own would be.
import type { Change } from '../../src/core/change.ts';
import type { Facts } from '../../src/core/facts.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Settings } from '../../src/core/settings.ts';
import { doorModels, type DoorModel } from '../../src/auth/door-model.ts';
import { policyFindings } from '../../src/auth/policy.ts';
import { platformOf, type Platform } from '../../src/platform/debian.ts';
import { planHost } from '../../src/steps/plan-host.ts';
import { exampleFacts, exampleSettings, exampleTools } from './example-host.ts';

export interface DoorScene {
  readonly facts?: Partial<Facts>;
  readonly settings?: Partial<Settings>;
  /** Content of candidate files by path, in place of what the plan declares. */
  readonly candidates?: Readonly<Record<string, string>>;
}

export const platformOfExample = (facts: Facts): Platform => {
  const platform = platformOf(facts);
  if ('refused' in platform) throw new Error(platform.refused);
  return platform;
};

/** The two models of a scene, with what they were made of. */
export const sceneModels = ({ facts: over, settings: set, candidates = {} }: DoorScene) => {
  const facts = exampleFacts(over);
  const settings = exampleSettings(set);
  const changes = planHost(facts, settings, exampleTools()).changes.map((change): Change => {
    const text = candidates[change.target];
    return change.kind === 'file' && text !== undefined
      ? { ...change, content: new TextEncoder().encode(text) }
      : change;
  });
  const models: { readonly before: DoorModel; readonly after: DoorModel } = doorModels(facts, settings, {
    changes,
    places: platformOfExample(facts),
  });
  return { ...models, facts, settings };
};

/** The policy's findings alone. */
export const judged = (scene: DoorScene): readonly Finding[] => policyFindings(sceneModels(scene));

// Our reading of Ansible's inventories against Ansible's own: test/inventories, one folder a case, and random ones.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askAnsible,
  askOurselves,
  canAskAnsible,
  disagreement,
  type InventoryAnswer,
  type InventoryQuestion,
} from '../support/ansible-inventory.ts';
import { randomInventory } from '../support/random-inventory.ts';

const COUNT = 200;
const SEED = Number(process.env['DUO_FLEET_SEED'] ?? '20261128');

/** case.json of a case. */
interface Case extends InventoryQuestion {
  readonly name: string;
  /** `file:line:column` of each error, where we refuse it. */
  readonly refused?: readonly string[];
  /** Patterns that mean something to Ansible, and that we refuse. */
  readonly limitsRefused?: readonly string[];
}

const folder = fileURLToPath(new URL('../inventories', import.meta.url));
const cases: readonly Case[] = readdirSync(folder)
  .toSorted()
  .map((name) => {
    const cwd = join(folder, name);
    const read = JSON.parse(readFileSync(join(cwd, 'case.json'), 'utf8')) as Partial<Case>;
    return { name, cwd, sources: [], limits: [], ...read };
  });

const canAsk = canAskAnsible();

test('Ansible is there to be asked: scripts/test installs ansible-core', ({ skip }) => {
  const mustBe = (process.env['DUO_FLEET_TEST_RUN'] ?? process.env['CI']) !== undefined;
  if (!canAsk && !mustBe) skip('no ansible-core for /usr/bin/python3');
  expect(canAsk).toBe(true);
});

describe.skipIf(!canAsk)('what Ansible reads', () => {
  const asked = canAsk ? askAnsible(cases) : [];
  const ansible = new Map<string, InventoryAnswer>();
  for (const [at, answer] of asked.entries()) ansible.set(cases[at]?.name ?? '', answer);

  test.each(cases.filter(({ refused }) => refused === undefined))(
    'we read so, too: $name',
    async ({ name, ...question }) => {
      const ours = await askOurselves(question);
      const { problems: _ours, errors, ...said } = ours;
      const { problems: _theirs, ...wanted } = ansible.get(name) ?? ours;
      expect(errors).toStrictEqual([]);
      // A pattern that matches nobody is nothing to be done to Ansible, and a mistake to us.
      const limits = wanted.limits.map((hosts) => (hosts?.length === 0 ? null : hosts));
      expect(said).toStrictEqual({ ...wanted, limits });
    },
  );
});

describe('what we refuse', () => {
  test.each(cases.filter(({ refused }) => refused !== undefined))(
    'is told with its place: $name',
    async ({ refused, ...question }) => {
      const { errors } = await askOurselves(question);
      const places = errors.map(({ file, line, column }) =>
        line === 0 ? file : `${file}:${line}:${column}`,
      );
      expect(places).toStrictEqual(refused);
      expect(errors.every(({ message }) => message !== '')).toBe(true);
    },
  );

  test.each(cases.filter(({ limitsRefused }) => limitsRefused !== undefined))(
    'among patterns, too: $name',
    async ({ limitsRefused = [], ...question }) => {
      const { limits } = await askOurselves({ ...question, limits: limitsRefused });
      expect(limits).toStrictEqual(limitsRefused.map(() => null));
    },
  );
});

describe.skipIf(!canAsk)(`${COUNT} random inventories (DUO_FLEET_SEED=${SEED})`, () => {
  let root = '';
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'duo-fleet-inventories-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('say to us what they say to Ansible, or are refused', async () => {
    const questions = Array.from({ length: COUNT }, (_none, number): InventoryQuestion => {
      const { files, sources, limits } = randomInventory(SEED, number);
      const cwd = join(root, String(number));
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(dirname(join(cwd, file)), { recursive: true });
        writeFileSync(join(cwd, file), text);
      }
      return { cwd, sources, limits };
    });
    const theirs = askAnsible(questions);
    const found: string[] = [];
    const count = { read: 0, refusedAlone: 0, patterns: 0 };
    for (const [number, question] of questions.entries()) {
      const ours = await askOurselves(question);
      const answer = theirs[number];
      if (answer === undefined) throw new Error(`no answer to ${number}`);
      const words = disagreement(ours, answer);
      if (words !== '') found.push(`inventory ${number}: ${words}`);
      if (ours.errors.length === 0) count.read += 1;
      else if (answer.hosts.length > 0 && answer.problems.length === 0) count.refusedAlone += 1;
      count.patterns += ours.limits.filter(
        (hosts, at) => hosts !== null && answer.limits[at] !== null,
      ).length;
    }
    expect(found.slice(0, 3)).toStrictEqual([]);
    // Whoever refuses everything agrees as well.
    expect(count.read).toBeGreaterThan(COUNT * 0.7);
    expect(count.refusedAlone).toBeLessThan(COUNT * 0.1);
    expect(count.patterns).toBeGreaterThan(COUNT * 2);
  }, 600_000);
});

const at = (name: string): string => join(folder, name);
const run = (program: string, words: readonly string[]): string =>
  execFileSync(program, words, { encoding: 'utf8', cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });

describe.skipIf(!canAsk)('what people type', () => {
  test.each([
    ['real-multistage/inventories/production', 'webservers:&boston'],
    ['real-kubespray/inventory.ini', 'kube_*:!node1'],
    ['depth-and-priority/hosts.yml', '~h[1-3]'],
    ['folder/inventory', 'w*,!w2'],
  ])('of %s, `ansible --list-hosts` lists the hosts that we take for %s', async (path, limit) => {
    const listed = run('ansible', ['-i', at(path), 'all', '--list-hosts', '--limit', limit]);
    const { limits } = await askOurselves({ cwd: '/', sources: [at(path)], limits: [limit] });
    expect(limits[0]).toStrictEqual(
      listed
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.trim()),
    );
  });

  test.each([
    ['real-multistage/inventories/production'],
    ['real-kubespray/inventory.ini'],
    ['depth-and-priority/hosts.yml'],
    ['folder/inventory'],
    ['ini-types/hosts.ini'],
    ['vault-values/hosts.yml'],
  ])('what ansible-inventory --list --export writes of %s is the same inventory to us', async (path) => {
    const exported = mkdtempSync(join(tmpdir(), 'duo-fleet-export-'));
    try {
      const text = run('ansible-inventory', ['-i', at(path), '--list', '--export']);
      writeFileSync(join(exported, 'inventory.json'), text);
      const whole = await askOurselves({ cwd: '/', sources: [at(path)], limits: [] });
      const again = await askOurselves({ cwd: exported, sources: ['inventory.json'], limits: [] });
      expect(again.errors).toStrictEqual([]);
      // Of groups without hosts and of ranks the export does not tell.
      expect(again.hosts.toSorted()).toStrictEqual(whole.hosts.toSorted());
      if (!path.startsWith('depth')) expect(again.variables).toStrictEqual(whole.variables);
    } finally {
      rmSync(exported, { recursive: true });
    }
  });
});

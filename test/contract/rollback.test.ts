// What a rollback believes about a host, promised by the fake one and by real ones: what is kept and told of a confirmed
// transaction, and how a transaction goes whose contents come from there. Where they differ, the real one is right.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readKept, type KeptListing, type KeptSnapshot } from '../../src/core/kept-snapshot.ts';
import { GUARD_EXIT } from '../../src/core/remote.ts';
import { transactionFiles } from '../../src/core/transaction.ts';
import { planRollback } from '../../src/steps/plan-rollback.ts';
import {
  CHANGED,
  fakeContractHost,
  MADE,
  NEW,
  OLD,
  PATHS,
  realContractHost,
} from '../support/contract-host.ts';
import { CONTRACT_REQUEST, DEADLINE_MS, openScene, type ContractScene } from '../support/contract-scene.ts';
import { sha256 } from '../support/example-host.ts';
import { labRemote, type LabRemote } from '../support/lab-remote.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';

const REAL = ['bookworm1', 'trixie2', 'bullseye1'];
const BACK = 'back';

let fleet: LabFleet;
let way: LabRemote;
beforeAll(async () => {
  fleet = await freshFleet({ name: 'controll', hosts: REAL });
  way = await labRemote(fleet);
});
afterAll(async () => {
  await way.close();
  await fleet.down();
});

const digestsOf = (texts: readonly (string | null)[]) =>
  texts.map((text) => (text === null ? null : sha256(Buffer.from(text))));

let transactions = 0;

describe.each(['fake', ...REAL])('a host (%s) with a confirmed transaction', (name) => {
  let scene: ContractScene;
  let back: string;
  beforeEach(async () => {
    transactions += 1;
    const host = name === 'fake' ? fakeContractHost() : realContractHost(fleet.host(name), way);
    scene = await openScene(host, `r${transactions}`);
    back = `${BACK}-${transactions}`;
    await scene.bringTo('confirmed');
  });
  afterEach(() => scene.end());

  const kept = async (args: readonly string[] = []): Promise<KeptListing> => {
    const reply = await scene.ask('kept', { tx: 'nobody', args });
    expect(reply.code).toBe(0);
    return readKept(reply.lines);
  };
  const chosen = async (args: readonly string[] = []): Promise<KeptSnapshot> => {
    const listing = await kept(args);
    if (listing.chosen === null || listing.chosen === 'too-old') throw new Error('nothing is kept');
    return listing.chosen;
  };

  /** Sends the rollback of the newest snapshot as far as this operation, and gives its reply. */
  const bringBack = async (last: 'claim' | 'prepare' | 'activate' | 'confirm') => {
    const facts = await scene.look();
    const { changes, rollback } = planRollback(await kept(), facts, {
      settings: scene.host.settings,
      wish: { run: 'run-1', discardEdits: true },
      sha256,
    });
    const files = transactionFiles(changes, facts, {
      modulePath: null,
      repositoryUrl: '',
      source: rollback?.tx,
    });
    const claim = scene.claimCall(facts, { tx: back });
    const script = claim.files['guard.sh'] ?? new Uint8Array();
    const steps = [
      { operation: 'claim', args: claim.args, files: { ...files, 'guard.sh': script } },
      { operation: 'prepare', args: [], files: {} },
      { operation: 'activate', args: [], files: {} },
      { operation: 'confirm', args: [`nonce-of-${back}`], files: {} },
    ] as const;
    for (const { operation, args, files: sent } of steps) {
      const reply = await scene.ask(operation, { tx: back, args, files: sent });
      if (operation === last || reply.code !== 0) return reply;
    }
    throw new Error('there is no such operation');
  };

  test('tells what was before it, what it left and what is now, of each file, and of which run', async () => {
    const { tx, run, undoes, entries, packages } = await chosen();
    expect({ tx, run, undoes, packages }).toEqual({
      tx: scene.tx,
      run: 'run-1',
      undoes: null,
      packages: null,
    });
    expect(entries.map(({ path, step }) => [path, step])).toEqual([
      [CHANGED, 'pam-sshd'],
      [MADE, 'sudoers'],
      [PATHS[2], 'sudoers'],
    ]);
    const words = entries.map(({ was, after, now }) => [was !== 'absent', after !== 'absent', now === after]);
    expect(words).toEqual([
      [true, true, true],
      [false, true, true],
      [true, false, true],
    ]);
    expect(entries[0]?.was).toBe(`${sha256(Buffer.from('old\n'))}:644:0:0`);
  });

  test('finds it by its run, and says which there are where there is none of that', async () => {
    expect((await chosen(['run-1'])).tx).toBe(scene.tx);
    const none = await kept(['run-9']);
    expect(none.chosen).toBe(null);
    expect(none.names.map(({ tx }) => tx)).toContain(scene.tx);
  });

  test('shows an edit made since, and a removal', async () => {
    await scene.host.write(CHANGED, 'by hand\n');
    await scene.host.remove(MADE);
    const [changed, made] = (await chosen()).entries;
    expect(changed?.now).toBe(`${sha256(Buffer.from('by hand\n'))}:644:0:0`);
    expect(made?.now).toBe('absent');
  });

  test('goes back to what was before it, and keeps what it had left: that goes back, too', async () => {
    expect(await bringBack('confirm')).toMatchObject({ code: 0 });
    expect(await scene.live()).toEqual(OLD);
    expect(await scene.host.leftovers()).toEqual([]);
    const { tx, undoes, entries } = await chosen();
    expect([tx, undoes]).toEqual([back, scene.tx]);
    expect(entries.every(({ after, now }) => after === now)).toBe(true);
    back = `${back}-again`;
    expect(await bringBack('confirm')).toMatchObject({ code: 0 });
    expect(await scene.live()).toEqual(NEW);
  });

  test('is read as it would be, while what is live is untouched', async () => {
    expect((await bringBack('prepare')).lines).toContain('rehearsal possible');
    const look = (through?: string) =>
      scene.host.within(scene.session.observe(CONTRACT_REQUEST, DEADLINE_MS, through));
    const [ahead, now] = [await look(back), await look()];
    const digests = (facts: typeof now) =>
      PATHS.map((path) => {
        const file = facts.files[path];
        return file?.kind === 'file' ? file.sha256 : null;
      });
    expect([digests(ahead), digests(now)]).toEqual([digestsOf(OLD), digestsOf(NEW)]);
    expect(await scene.live()).toEqual(NEW);
  });

  test('is not looked ahead at before it is staged, nor once it is live', async () => {
    const look = () =>
      scene.host.within(scene.session.observe(CONTRACT_REQUEST, DEADLINE_MS, back)).then(
        () => 'read',
        () => 'refused',
      );
    await bringBack('claim');
    expect(await look()).toBe('refused');
    await scene.ask('prepare', { tx: back });
    expect(await look()).toBe('read');
    await scene.ask('activate', { tx: back });
    expect(await look()).toBe('refused');
  });

  test('is as the transaction had left it where the rollback is reverted, or nobody renews its lease', async () => {
    expect(await bringBack('activate')).toMatchObject({ code: 0 });
    expect(await scene.live()).toEqual(OLD);
    expect((await scene.ask('revert', { tx: back })).code).toBe(0);
    expect(await scene.live()).toEqual(NEW);
    expect(await scene.host.leftovers()).toEqual([]);
    expect((await chosen()).tx).toBe(scene.tx);
  });

  test('that loses its power in a rollback is as the transaction had left it after its boot', async () => {
    expect(await bringBack('activate')).toMatchObject({ code: 0 });
    await scene.host.powerOff();
    await scene.host.boot();
    scene.session = await scene.connect();
    await scene.host.released(30);
    expect(await scene.live()).toEqual(NEW);
  });

  test('refuses to prepare where a file was changed since it was read, and touches nothing', async () => {
    await bringBack('claim');
    await scene.host.write(CHANGED, 'by hand\n');
    expect(await scene.ask('prepare', { tx: back })).toEqual({
      code: GUARD_EXIT.drifted,
      lines: [`${CHANGED} was changed since it was read: nothing was touched`],
    });
    expect((await scene.ask('revert', { tx: back })).code).toBe(0);
    expect(await scene.live()).toEqual(['by hand\n', ...NEW.slice(1)]);
  });
});

// The controller has no room for its journal, or no file descriptors: it says so, and no host pays for it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OPEN_FILES_MIN } from '../../src/cli/open-files.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { mustRun } from '../support/lab-process.ts';
import { hold, isHeld, letGo, startProcess } from '../support/product-process.ts';
import { automationGetsIn, hostState, productFor, type Product } from '../support/product.ts';

const HOSTS = ['bookworm1', 'bookworm2', 'b01', 'b02'];

let fleet: LabFleet;
let product: Product;
let inventory: string;
let host: LabHost;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'starved', hosts: HOSTS });
  product = await productFor(fleet);
  inventory = await product.inventory();
  host = fleet.host('bookworm1');
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

describe('no space for the journal', () => {
  let small: string;
  let before: string;

  beforeEach(async () => {
    await host.reset();
    before = await hostState(host);
    small = join(product.stateFolder, 'small');
    await mkdir(small, { recursive: true });
    await mustRun(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'starved', small]);
    return async () => {
      await mustRun(['umount', small]);
      await rm(small, { recursive: true });
    };
  });

  const fill = () =>
    writeFile(join(small, 'full'), Buffer.alloc(1024 * 1024)).catch((error: NodeJS.ErrnoException) =>
      expect(error.code).toBe('ENOSPC'),
    );

  test('from the beginning: nothing is touched, exit code 2', async () => {
    await fill();
    const words = ['apply', inventory, '--host', 'bookworm1', '--yes'];
    const running = await startProcess(fleet, words, { stateFolder: small, on: 'pipes' });
    expect(await running.ended()).toBe(2);
    expect(running.said()).toMatch(
      /the journal \S+ could not be written: ENOSPC.*\n(.*\n)*Nothing was touched\./,
    );
    expect((await host.shell('ls -d /var/lib/duo-fleet')).code).not.toBe(0);
  });

  test('in the middle: the host is put back, no other starts, and it is said what to do', async () => {
    // A page of the disk may have room for the rest of the story: the file itself may not grow any more.
    await hold(host);
    const words = ['apply', inventory, '--host', 'bookworm1', '--host', 'bookworm2', '--forks', '1', '--yes'];
    const running = await startProcess(fleet, words, { stateFolder: small, on: 'pipes' });
    await isHeld(host);
    await mustRun(['prlimit', '--pid', String(await running.pid()), '--fsize=4096']);
    await fill();
    await letGo(host);
    expect(await running.ended()).toBe(1);
    expect(running.said()).toMatch(/bookworm1 +rolled-back/);
    expect(running.said()).toMatch(/bookworm2 +skipped/);
    expect(running.said()).toMatch(/the journal \S+ could not be written: (ENOSPC|EFBIG)/);
    expect(running.said()).toContain(
      'Make room there (or set XDG_STATE_HOME), then run the same command again.',
    );
    expect((await hostState(host)).split('\n')).toEqual(before.split('\n'));
    expect(await automationGetsIn(fleet, host)).toBe(true);
    expect((await fleet.host('bookworm2').shell('ls -d /var/lib/duo-fleet')).code).not.toBe(0);
  });
});

const limited = (filesMax: number) =>
  startProcess(fleet, ['apply', inventory, '--yes'], {
    stateFolder: product.stateFolder,
    on: 'pipes',
    before: `ulimit -n ${filesMax}`,
  });

describe('few file descriptors', () => {
  test.each([64, OPEN_FILES_MIN - 1])(
    '%i are too few for the program itself: nothing is touched, exit code 2, and it says how many are needed',
    async (filesMax) => {
      const running = await limited(filesMax);
      expect(await running.ended()).toBe(2);
      expect(running.said()).toBe(
        `duo-fleet: this process may have ${filesMax} files open, and at least ${OPEN_FILES_MIN} are needed: raise the limit (ulimit -n, LimitNOFILE=)\nNothing was touched.\n`,
      );
    },
  );

  test('with as many as are needed, all hosts are confirmed', async () => {
    await Promise.all(fleet.hosts.map((each) => each.reset()));
    const running = await limited(OPEN_FILES_MIN);
    expect(await running.ended()).toBe(0);
    expect(running.said()).toContain('4 hosts: 4 confirmed');
  });
});

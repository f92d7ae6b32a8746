// Faults of a host's file systems: no room, no inode, nothing that can be written.
import { EVERY_ROW, must, type Fault, type FaultPlace } from './fault.ts';
import type { LabHost } from './lab.ts';
import { until } from './lab-process.ts';
import { emptyDisk, fillDisk, type DiskLack } from './lab-strain.ts';

/** All that is written on the host's own disk: /etc, /var and /usr are one file system. */
const wholeDisk = (kind: string, lack: DiskLack, what: string): Fault => ({
  kind,
  what,
  rows: EVERY_ROW,
  strike: async ({ fleet, host }) => {
    await fillUntilFull(host, '/etc', () => fillDisk(fleet, host, lack));
    return { when: 'at the end', heal: () => emptyDisk(fleet, host) };
  },
});

/** Again where somebody has made room meanwhile by removing something. */
const fillUntilFull = (host: LabHost, folder: string, fill: () => Promise<void>): Promise<void> =>
  until(`${folder} of ${host.name} to be full`, async () => {
    await fill();
    return !(await canWrite(host, folder));
  });

const canWrite = async (host: LabHost, folder: string): Promise<boolean> => {
  const done = await host.shell(
    `(echo full >${folder}/.fault) 2>/dev/null; rc=$?; rm -f ${folder}/.fault; exit $rc`,
  );
  return done.code === 0;
};

/** A folder as a file system of its own, with what is in it. */
const ownFileSystem =
  (folder: string) =>
  async ({ host }: FaultPlace) => {
    // /run is one already.
    if (folder === '/run') return;
    await must(
      host,
      `set -e
     mkdir -p ${folder} /run/fault
     [ ${folder} != /var/lib/duo-fleet ] || chmod 0700 ${folder}
     mount -t tmpfs -o size=2g,mode="$(stat -c %a ${folder})" tmpfs /run/fault
     cp -a ${folder}/. /run/fault/
     mount --bind /run/fault ${folder}
     umount /run/fault
     rmdir /run/fault
     # Else its log goes on in the files that are covered now, where nobody reads.
     [ ${folder} != /var ] || [ ! -d /run/systemd/system ] || systemctl restart systemd-journald`,
    );
  };

const oneFull = (folder: string): Fault => ({
  kind: `full:${folder}`,
  what: `${folder} is a file system of its own, and full`,
  rows: EVERY_ROW,
  prepare: ownFileSystem(folder),
  strike: async ({ host }) => {
    const limit = `mount -o remount,size="$(df -B1 --output=used ${folder} | tail -n 1 | tr -d ' ')" ${folder}`;
    await fillUntilFull(host, folder, async () => void (await host.shell(limit)));
    return {
      when: 'at the end',
      heal: async () => void (await host.shell(`mount -o remount,size=2g ${folder}`)),
    };
  },
});

const readOnly = (folder: string): Fault => ({
  kind: `read-only:${folder}`,
  what: `${folder} cannot be written any more, as after an error of its disk; mended after up to 60 s`,
  rows: EVERY_ROW,
  strike: async ({ host }) => {
    await must(host, `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`);
    if (await canWrite(host, folder)) throw new Error(`${folder} of ${host.name} can still be written`);
    return { when: 'at the end', heal: async () => void (await must(host, `umount -l ${folder}`)) };
  },
});

export const DISK_FAULTS: readonly Fault[] = [
  wholeDisk('disk-full', 'blocks', 'the disk that everything is on has no room left'),
  wholeDisk('inodes-full', 'inodes', 'the disk that everything is on has no inode left'),
  ...['/etc', '/var/lib/duo-fleet', '/var', '/usr', '/run'].map(oneFull),
  ...['/etc', '/var', '/usr'].map(readOnly),
];

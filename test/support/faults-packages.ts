// Faults of packages, of where they come from, and of others who are at them.
import type { RepositoryKind } from './duo-repository.ts';
import { between, must, PASSED, type Fault, type FaultPlace, type Healing } from './fault.ts';

const repository = (held: RepositoryKind, what: string): Fault => ({
  kind: `repository:${held}`,
  what,
  during: ['apply'],
  prepare: ({ fleet, host }) => fleet.repository.set(held, host.address),
  rows: ['connect'],
  strike: async ({ fleet, host }) => ({
    when: 'at the end',
    heal: () => fleet.repository.set('good', host.address),
  }),
  ends: 'old',
});

/** Waits for both of dpkg's locks as apt takes them, says so by a file, and holds them (fcntl(2): perl is essential). */
const HOLD_LOCKS = `
use Fcntl;
for my $path ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock") {
  open(my $file, "+>", $path) or die;
  push @files, $file;
  my $lock = pack("s s l! l! i", F_WRLCK, SEEK_SET, 0, 0, 0);
  select(undef, undef, undef, 0.02) until fcntl($file, F_SETLK, $lock);
}
open(my $held, ">", "/run/fault-locked"); close($held);
sleep($ARGV[0]);
unlink("/run/fault-locked");
`;

/** Somebody else is at packages, for so long; `heal` resolves when he is done. */
export const holdLocks = async ({ host }: Pick<FaultPlace, 'host'>, seconds: number): Promise<Healing> => {
  const holding = host.shell(`perl -e '${HOLD_LOCKS}' ${seconds}`, { timeoutMs: 300_000 });
  await must(host, waitFor('/run/fault-locked'));
  return { when: 0, heal: async () => void (await holding) };
};

const waitFor = (path: string): string =>
  `n=0; until [ -e ${path} ]; do n=$((n + 1)); [ $n -lt 3000 ] || exit 1; sleep 0.02; done`;

const locked: Fault = {
  kind: 'dpkg-locked',
  what: 'somebody else holds the locks of dpkg for up to 40 s',
  rows: ['connect', 'claim', 'stage', 'rehearse'],
  strike: (place) => holdLocks(place, 5 + place.dice(35)),
  ends: 'new',
};

const lockedForRevert: Fault = {
  kind: 'dpkg-locked-for-revert',
  what: 'the program is killed when the packages are in, and somebody else holds the locks of dpkg while they are to go',
  rows: ['pam-duo-conf', 'pam-sshd', 'canary'],
  strike: async (place, run) => {
    run.kill();
    await run.ended;
    return holdLocks(place, 15 + place.dice(60));
  },
};

const SLOW = 'lab-slow';

const otherUpgrade: Fault = {
  kind: 'other-upgrade',
  what: 'apt is at work on another package, as by unattended-upgrades',
  rows: ['connect', 'claim', 'stage', 'rehearse', 'canary'],
  prepare: async ({ host, dice }) => {
    await must(
      host,
      `set -e; d=/root/${SLOW}; mkdir -p $d/DEBIAN; chmod 0755 $d $d/DEBIAN
       printf '%s\\n' 'Package: ${SLOW}' 'Version: 1' 'Architecture: all' 'Maintainer: lab' 'Description: slow' >$d/DEBIAN/control
       printf '%s\\n' '#!/bin/sh' 'echo >/run/fault-upgrading; sleep ${4 + dice(20)}' >$d/DEBIAN/postinst
       chmod 0755 $d/DEBIAN/postinst; dpkg-deb -b $d /root/${SLOW}.deb >/dev/null; rm -r $d; rm -f /run/fault-upgrading`,
    );
  },
  strike: async ({ host }) => {
    const apt = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120';
    const upgrading = host.shell(`${apt} install /root/${SLOW}.deb`, { timeoutMs: 300_000 });
    await must(host, waitFor('/run/fault-upgrading'));
    return {
      when: 'at the end',
      heal: async () => {
        const done = await upgrading;
        if (done.code !== 0) throw new Error(`the other upgrade failed: ${done.stdout}${done.stderr}`);
        await must(host, `${apt} purge ${SLOW} && rm -f /root/${SLOW}.deb /run/fault-upgrading`, 300_000);
      },
    };
  },
};

/** After which nothing needs to be done, since it is the product's to see. */
const goneMidway: Fault = {
  kind: 'repository:gone-midway',
  what: 'the repository goes away once the run has begun, and stays away',
  during: ['apply'],
  rows: ['connect', 'observe', 'claim', 'download', 'packages'],
  strike: async ({ fleet, host, dice }) => {
    await fleet.repository.set('gone', host.address);
    return { ...PASSED, when: between(dice, 10, 20), heal: () => fleet.repository.set('good', host.address) };
  },
};

export const PACKAGE_FAULTS: readonly Fault[] = [
  repository('gone', 'the repository answers 404'),
  repository('wrong-key', 'the repository is signed by somebody else'),
  repository('expired', 'the repository’s Release has expired'),
  repository('corrupt', 'the package is cut short'),
  repository('old', 'the package is too old'),
  repository('broken-unpack', 'the package does not unpack'),
  repository('broken-postinst', 'the package does not configure'),
  repository('broken-module', 'the package’s module does not load'),
  goneMidway,
  locked,
  lockedForRevert,
  otherUpgrade,
];

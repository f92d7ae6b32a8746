// Faults by others who are at the host, and by what is on it: its sshd, its sudo, its administrators.
import { between, EVERY_ROW, must, ROWS, type Fault, type FaultPlace, type Healing } from './fault.ts';
import { pick } from './dice.ts';
import type { CommandName } from './fault-commands.ts';
import { automationGetsIn, BUILT_PROGRAM, productFor, sshAs } from './product.ts';

/** Where the real ones are meanwhile. Under their own names: sshd asks PAM for the service that it is called. */
const REAL = '/usr/lib/lab-real';

/** The tool is replaced by a script until it is put back. */
const replace = async ({ host }: FaultPlace, tool: string, script: string): Promise<void> => {
  await must(
    host,
    `set -e; mkdir -p ${REAL}; mv ${tool} ${REAL}/; cat >${tool} <<'SCRIPT'\n${script}\nSCRIPT\nchmod 0755 ${tool}`,
  );
};
const putBack = async ({ host }: FaultPlace, tool: string): Promise<void> => {
  // The one beside stays: an sshd that was started from there looks for itself there when it is reloaded.
  await must(host, `cp -a ${REAL}/${tool.replace(/.*\//, '')} ${tool}.new && mv -f ${tool}.new ${tool}`);
};

/** Whether the new settings are in what a tool looks at, rehearsed or live: those with Duo, or those without. */
const IS_NEW = {
  '/usr/sbin/visudo': {
    apply: 'grep -rqs duo-fleet /etc/sudoers.d /etc/.duo-fleet',
    rollback: '! grep -rqs duo-fleet /etc/sudoers.d',
  },
  '/usr/sbin/sshd': {
    apply: 'grep -rqs duo-fleet /etc/ssh/sshd_config.d',
    rollback: '! grep -rqs duo-fleet /etc/ssh/sshd_config.d',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<CommandName, string>>>>;
type Tool = keyof typeof IS_NEW;

const rejects = (kind: string, tool: Tool): Fault => ({
  kind,
  what: `${tool} rejects the new settings`,
  prepare: (place) =>
    replace(
      place,
      tool,
      `#!/bin/sh
case " $* " in *' -t '* | *' -c'*)
  if ${IS_NEW[tool][place.command.name]}; then echo 'rejected for the test' >&2; exit 1; fi ;;
esac
exec ${REAL}${tool.slice(tool.lastIndexOf('/'))} "$@"`,
    ),
  rows: ['connect'],
  strike: async (place) => ({ when: 'at the end', heal: () => putBack(place, tool) }),
  ends: 'old',
});

const SSHD = '/usr/sbin/sshd';

/** What takes settings that it then does not start with: sshd -t does not bind, nor does it load everything. */
const sshdDies: Fault = {
  kind: 'sshd-dies',
  what: 'sshd -t takes the new settings, and sshd does not start with them',
  prepare: (place) =>
    replace(
      place,
      SSHD,
      `#!/bin/sh
# For a test, for a connection or in a rehearsal: as ever. As a daemon: not with these settings.
case " $* " in *' -t '* | *' -T '* | *' -G '* | *' -i '* | *' -R '*) ;; *)
  if ${IS_NEW[SSHD][place.command.name]}; then
    echo yes >/run/fault-sshd-died
    exit 255
  fi ;;
esac
exec ${REAL}/sshd "$@"`,
    ),
  rows: ['connect'],
  // Without systemd nobody starts it again.
  on: ({ init }) => init === 'systemd',
  strike: async (place) => ({
    when: 'at the end',
    heal: () => putBack(place, SSHD),
    proof: async () => void (await must(place.host, 'test -e /run/fault-sshd-died')),
  }),
  ends: 'old',
};

const sshdKilled: Fault = {
  kind: 'sshd-killed',
  what: 'every process of sshd is killed, as by a kernel without memory',
  on: ({ init }) => init === 'systemd',
  rows: EVERY_ROW,
  strike: async ({ host }) => {
    await must(host, "pkill -KILL '^sshd'");
    return { when: 0, heal: async () => undefined };
  },
};

const EDITABLE = ['/etc/pam.d/sshd', '/etc/pam.d/sudo', '/etc/ssh/sshd_config.d/00-duo-fleet.conf'] as const;

const edited: Fault = {
  kind: 'file-edited',
  what: 'somebody adds a line to a file that is being managed',
  rows: [...ROWS.before, ...ROWS.activation, ...ROWS.after],
  strike: async ({ host, dice }): Promise<Healing> => {
    const line = `# by hand ${dice(1_000_000)}`;
    const wanted = pick(dice, EDITABLE);
    const path = (await host.shell(`test -e ${wanted}`)).code === 0 ? wanted : EDITABLE[0];
    // In place as by a shell, or by a new file as an editor does.
    const how = dice(2) === 0 ? `echo '${line}' >>${path}` : `sed -i '$a ${line}' ${path}`;
    await must(host, how);
    return { when: 0, heal: async () => undefined, edited: [{ path, line }] };
  },
};

const secondController: Fault = {
  kind: 'second-controller',
  what: 'another controller applies to the same host',
  rows: ['download', 'snapshot', 'arm', 'stage'],
  strike: async ({ fleet, host, inventory }) => {
    const other = await productFor(fleet, BUILT_PROGRAM);
    const run = other.run(['apply', '--host', host.name, inventory]);
    return {
      when: 'at the end',
      heal: async () => void (await run),
      proof: async () => {
        const reason = (await run).json.hosts[0]?.failure?.reason;
        await other.remove();
        if (reason !== 'busy') throw new Error(`the other ended with ${reason}`);
      },
    };
  },
  ends: 'new',
};

/** More than sshd's MaxStartups lets wait (10:30:100), and again for each that it drops. */
const FLOOD = `
use IO::Socket::INET; use IO::Select;
my ($to, $from, $wanted) = @ARGV; my $open = IO::Select->new; $| = 1; my $told = 0;
while (1) {
  for my $one ($open->can_read(0)) { my $n = sysread($one, my $text, 512); if (!$n || $text =~ /Exceeded/) { $open->remove($one); close $one } }
  for (1 .. 20) { last if $open->count >= $wanted;
    my $one = IO::Socket::INET->new(PeerAddr => $to, PeerPort => 22, LocalAddr => $from, Timeout => 1) or last; $open->add($one) }
  select(undef, undef, undef, 0.05);
  if ($open->count >= $wanted && !$told) { open(my $said, '>', $ARGV[3]); close($said); $told = 1 }
}`;

const startupsFull: Fault = {
  kind: 'startups-full',
  what: 'others hold so many unauthenticated connections that sshd drops new ones (MaxStartups), for up to 45 s',
  rows: EVERY_ROW,
  strike: async ({ fleet, host, dice }) => {
    const seconds = Math.round(between(dice, 5, 45) / 1000);
    const said = `/tmp/fault-${host.name}-${dice(1_000_000_000)}`;
    const words = [
      'timeout',
      String(seconds),
      'perl',
      '-e',
      FLOOD,
      host.address,
      fleet.network.repository,
      '100',
      said,
    ];
    const flood = fleet.run(words, { timeoutMs: 100_000 });
    const full = await fleet.run([
      'timeout',
      '30',
      'sh',
      '-c',
      `until [ -e ${said} ]; do sleep 0.02; done; rm -f ${said}`,
    ]);
    if (full.code !== 0) throw new Error(`sshd on ${host.name} is not full`);
    return { when: 0, heal: async () => void (await flood) };
  },
};

const penalised: Fault = {
  kind: 'source-penalised',
  what: 'sshd takes no connection from the controller’s address for a while (PerSourcePenalties)',
  on: ({ release, init }) => release === 'trixie' && init === 'systemd',
  rows: [...ROWS.before, ...ROWS.activation, ...ROWS.after],
  strike: async ({ fleet, host }) => {
    const fails = { password: 'wrong', methods: 'keyboard-interactive', keyOf: 'automation' };
    const isShut = async (): Promise<boolean> => (await sshAs(fleet, host, 'automation', {})).code !== 0;
    // An sshd that is restarted meanwhile forgets whom it has penalised.
    for (let tries = 0; tries < 3 && !(await isShut()); tries++)
      await Promise.all(Array.from({ length: 7 }, () => sshAs(fleet, host, 'nobody-here', fails)));
    if (!(await isShut())) throw new Error(`sshd on ${host.name} still takes the controller’s connections`);
    return {
      when: 0,
      // Five seconds for each failure (sshd_config(5)).
      heal: async () => {
        for (let tries = 0; tries < 30 && !(await automationGetsIn(fleet, host)); tries++)
          await new Promise((resolve) => setTimeout(resolve, 2_000));
      },
    };
  },
};

export const PEOPLE_FAULTS: readonly Fault[] = [
  rejects('visudo-rejects', '/usr/sbin/visudo'),
  rejects('sshd-rejects', SSHD),
  sshdDies,
  sshdKilled,
  edited,
  secondController,
  startupsFull,
  penalised,
];

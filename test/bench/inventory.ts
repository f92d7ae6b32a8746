// How long 10,000 hosts take to load, settings and all, in each of the forms: npx tsx test/bench/inventory.ts
// Aim: under 2 s for each, of this process alone: a machine with other work takes longer.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { hasErrors, loadFleet } from '../../src/cli/load-fleet.ts';
import { parseArgv } from '../../src/cli/parse-argv.ts';
import { testSurroundings } from '../support/surroundings.ts';

const HOSTS = 10_000;
const HOSTS_IN_GROUP = 100;
const AIM_MS = 2_000;

const common = {
  ansible_user: 'ansible',
  duo_ikey: 'DIXYZXYZXYZXYZXYZXYZ',
  duo_skey: 'env:DUO_SKEY',
  duo_api_host: 'api-1a2b3c4d.duosecurity.com',
  ad_server_access_group: 'sg_serveraccess',
  ad_sudo_group: 'sg_sudo',
};
const numbers = Array.from({ length: HOSTS }, (_none, at) => at);
const groups = Array.from({ length: HOSTS / HOSTS_IN_GROUP }, (_none, at) => at);
const nameOf = (at: number): string => `host${at}.example.org`;
const addressOf = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
const hostsOf = (group: number): readonly number[] =>
  numbers.slice(group * HOSTS_IN_GROUP, (group + 1) * HOSTS_IN_GROUP);
const lines = (pairs: object, between: string): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}${between}${String(value)}`)
    .join('\n');

const yaml = [
  'all:',
  '  vars:',
  lines(common, ': ').replaceAll(/^/gm, '    '),
  '  children:',
  ...groups.flatMap((group) => [
    `    g${group}:`,
    `      vars: {rack: r${group}}`,
    '      hosts:',
    ...hostsOf(group).flatMap((at) => [
      `        ${nameOf(at)}:`,
      `          ansible_host: ${addressOf(at)}`,
      '          ansible_port: 22',
      `          serial: "${at}"`,
    ]),
  ]),
].join('\n');
const ini = [
  '[all:vars]',
  lines(common, '='),
  ...groups.flatMap((group) => [
    `[g${group}]`,
    ...hostsOf(group).map(
      (at) => `${nameOf(at)} ansible_host=${addressOf(at)} ansible_port=22 serial="'${at}'"`,
    ),
  ]),
].join('\n');
const exported = JSON.stringify(
  {
    _meta: {
      hostvars: Object.fromEntries(
        numbers.map((at) => [nameOf(at), { ...common, ansible_host: addressOf(at), serial: String(at) }]),
      ),
    },
    all: { children: ['ungrouped', ...groups.map((group) => `g${group}`)] },
    ...Object.fromEntries(groups.map((group) => [`g${group}`, { hosts: hostsOf(group).map(nameOf) }])),
  },
  null,
  4,
);
const own = numbers.map((at): [string, string] => [
  `host_vars/${nameOf(at)}.yml`,
  `ansible_host: ${addressOf(at)}\n`,
]);
const forms: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  YAML: [['hosts.yml', yaml]],
  INI: [['hosts.ini', ini]],
  'ansible-inventory --list': [['hosts.json', exported]],
  'INI and host_vars/': [
    ['hosts.ini', `[web]\n${numbers.map(nameOf).join('\n')}\n`],
    ['group_vars/all.yml', lines(common, ': ')],
    ...own,
  ],
  'one range': [
    [
      'hosts.yml',
      `all:\n  hosts:\n    host[0:${HOSTS - 1}].example.org:\n  vars:\n${lines(common, ': ').replaceAll(/^/gm, '    ')}\n`,
    ],
  ],
  '5,000 in a list for --limit': [
    ['hosts.ini', ini],
    [
      'failed.txt',
      numbers
        .slice(HOSTS / 2)
        .map(nameOf)
        .join('\n'),
    ],
  ],
};

let isMissed = false;
for (const [form, files] of Object.entries(forms)) {
  const folder = mkdtempSync(join(tmpdir(), 'duo-fleet-bench-'));
  for (const [file, text] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const [first] = files;
  const limit = form.includes('--limit') ? ['--limit', '@failed.txt'] : [];
  const argv = ['plan', first?.[0] ?? '', '--ssh-config', 'none', ...limit];
  const surroundings = testSurroundings({ cwd: folder, argv });
  const invocation = await parseArgv(surroundings);
  if (invocation.kind !== 'command') throw new Error('no command');
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  const fleet = await loadFleet(invocation.options, surroundings);
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  rmSync(folder, { recursive: true });
  if (hasErrors(fleet.diagnostics)) throw new Error(JSON.stringify(fleet.diagnostics.slice(0, 3)));
  const cpuMs = (user + system) / 1000;
  isMissed ||= cpuMs > AIM_MS;
  console.log(
    `${form.padEnd(30)} ${String(fleet.settings.length).padStart(6)} hosts  ${wallMs.toFixed(0).padStart(6)} ms  ${cpuMs.toFixed(0).padStart(6)} ms of CPU`,
  );
}
if (isMissed) {
  console.log(`over the aim of ${AIM_MS} ms`);
  process.exitCode = 1;
}

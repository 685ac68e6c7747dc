import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {listenKind} from '../../../policies/kinds/listen.ts';
import {procFiles} from '../../helpers/proc.ts';
import {ruleOf} from '../../helpers/rule.ts';

const header = '  sl  local_address rem_address   st\n';
const row = (local: string, inode: number, state = '0A') =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`;
const socket = (pid: number, exe: string, inode: number, cgroup = '/system.slice/d.service') => ({
  ...procFiles({pid, exe, cgroup, name: 'd'}),
  [`/proc/${pid}/fd/3`]: {link: `socket:[${inode}]`},
});
const files: NonNullable<Fixture['files']> = {
  '/proc/net/tcp': header + row('0100007F:0019', 25) + row('00000000:0016', 22) + row('00000000:0F63', 3939),
  '/proc/net/tcp6': header + row('00000000000000000000000001000000:0019', 26),
  '/proc/net/udp': header + row('00000000:0035', 53, '07'),
  ...socket(10, '/usr/sbin/sshd', 22),
  ...socket(11, '/usr/sbin/exim4', 25),
  ...socket(12, '/usr/sbin/exim4', 26),
  ...socket(13, '/opt/connect', 3939),
  ...socket(14, '/usr/bin/dnsd', 53),
  '/usr/sbin/sendmail': {link: 'exim4'},
  '/usr/sbin/exim4': '',
};

async function judge(check: object, fixture: Fixture = {}, turned?: object): Promise<Finding[]> {
  const rule = ruleOf('listen', check);
  const subject = turned === undefined ? rule : {...rule, check: {kind: listenKind, check: turned as never}};
  return checkHost(memoryHost({...fixture, files: {...files, ...fixture.files}}), [subject]);
}

const filtered = (input: string): Fixture => ({
  commands: [{argv: ['/usr/sbin/nft', '-j', 'list', 'ruleset'], stdout: input}],
});
const rules = (policy: string, ...expressions: object[][]) =>
  filtered(
    JSON.stringify({
      nftables: [
        {metainfo: {}},
        {chain: {family: 'inet', table: 'filter', name: 'input', type: 'filter', hook: 'input', policy}},
        ...expressions.map((expr, handle) => ({rule: {family: 'inet', table: 'filter', chain: 'input', handle, expr}})),
      ],
    }),
  );
const dport = (port: number) => ({match: {op: '==', left: {payload: {protocol: 'tcp', field: 'dport'}}, right: port}});
const saddr = {match: {op: '==', left: {payload: {protocol: 'ip', field: 'saddr'}}, right: '10.0.0.1'}};
const mark = {match: {op: '==', left: {meta: {key: 'mark'}}, right: 1}};
const firewall = (keys: object) => ({firewall: keys});

const rows: Array<[title: string, check: object, fixture: Fixture, verdict: Finding['verdict'], like?: object]> = [
  [
    'bound to loopback, both families',
    {port: 25, address: 'loopback'},
    {},
    'pass',
    {actual: {address: '127.0.0.1, ::1'}},
  ],
  [
    'bound to every address',
    {port: 22, address: 'loopback'},
    {},
    'fail',
    {
      subject: 'tcp port 22',
      actual: {address: '0.0.0.0'},
      cure: 'bind /usr/sbin/sshd (pid 10, d.service) to 127.0.0.1 and ::1 in its configuration, then restart it',
    },
  ],
  ['nothing there', {port: 23, address: 'loopback'}, {}, 'not-applicable'],
  [
    'a port that must not be open',
    {port: 22, open: false},
    {},
    'fail',
    {
      actual: {open: '0.0.0.0, held by /usr/sbin/sshd (pid 10, d.service)'},
      cure: 'systemctl disable --now d.service',
      where: ['pid 10', '/proc/net/tcp', '/proc/net/tcp6', '/proc/net/udp', 'the network namespace of reeve itself'],
    },
  ],
  ['a port that is not open', {port: [23, 513], open: false}, {}, 'pass'],
  ['a port that must be open', {port: 22, open: true}, {}, 'pass'],
  ['a port that is not', {port: 23, open: true}, {}, 'fail'],
  ['the other protocol', {port: 53, open: false}, {}, 'pass'],
  ['udp', {port: 53, protocol: 'udp', open: true}, {}, 'pass'],
  ['any protocol', {port: 53, protocol: 'any', open: true}, {}, 'pass'],
  ['only these ports', {only_ports: [22, 3939]}, {}, 'pass', {actual: {'open ports': '22, 3939'}}],
  [
    'a port too many',
    {only_ports: [22]},
    {},
    'fail',
    {subject: 'tcp port 3939', actual: {'open ports': '0.0.0.0, held by /opt/connect (pid 13, d.service)'}},
  ],
  ['the program by its link', {port: 25, program: '/usr/sbin/sendmail'}, {}, 'pass'],
  ['another program', {port: 22, program: ['/usr/sbin/dropbear', '/opt/*/sshd']}, {}, 'fail', {wrong: ['program']}],
  [
    'a program that may not be seen',
    {port: 22, program: '/usr/sbin/sshd'},
    {files: {'/proc/10/exe': {error: 'EACCES'}}},
    'unknown',
  ],
  [
    'a socket that nobody holds',
    {port: 22, program: '/usr/sbin/sshd'},
    {files: {'/proc/10/fd/3': {link: 'pipe:[1]'}}},
    'unknown',
  ],
  [
    'a socket that systemd holds too',
    {port: 22, program: '/usr/sbin/sshd'},
    {files: {...socket(1, '/usr/lib/systemd/systemd', 22, '/init.scope')}},
    'pass',
  ],
  [
    'a socket that only systemd holds',
    {port: 22, program: '/usr/sbin/sshd'},
    {files: {...socket(1, '/usr/lib/systemd/systemd', 22, '/init.scope'), '/proc/10/fd/3': {link: 'pipe:[1]'}}},
    'unknown',
  ],
  [
    'the wrong address outweighs an unseen program',
    {port: 22, program: '/usr/sbin/sshd', address: 'loopback'},
    {files: {'/proc/10/exe': {error: 'EACCES'}}},
    'fail',
  ],
  ['sockets of an image', {port: 22, open: false}, {as: 'image'}, 'not-applicable'],
  [
    'a policy that drops',
    firewall({input_default: ['drop', 'reject']}),
    rules('drop'),
    'pass',
    {actual: {'IPv4 default': 'drop'}},
  ],
  [
    'a policy that accepts',
    firewall({input_default: ['drop', 'reject']}),
    rules('accept'),
    'fail',
    {actual: {'IPv4 default': 'accept (inet filter input, policy accept)'}},
  ],
  [
    'a last rule that rejects',
    firewall({input_default: ['reject']}),
    rules('accept', [dport(22), {accept: null}], [{reject: null}]),
    'pass',
  ],
  ['no packet filter at all', firewall({input_default: ['drop']}), filtered('{"nftables": []}'), 'fail'],
  [
    'IPv6 left open',
    firewall({input_default: ['drop']}),
    {
      ...filtered(
        JSON.stringify({
          nftables: [{chain: {family: 'ip', table: 'f', name: 'i', type: 'filter', hook: 'input', policy: 'drop'}}],
        }),
      ),
      files: {'/proc/net/if_inet6': 'fe800000000000000000000000000001 02 40 20 80     eth0\n'},
    },
    'fail',
    {wrong: ['IPv6 default']},
  ],
  [
    'IPv6 on the loopback only',
    firewall({input_default: ['drop']}),
    {
      ...filtered(
        JSON.stringify({
          nftables: [{chain: {family: 'ip', table: 'f', name: 'i', type: 'filter', hook: 'input', policy: 'drop'}}],
        }),
      ),
      files: {'/proc/net/if_inet6': '00000000000000000000000000000001 01 80 10 80       lo\n'},
    },
    'pass',
  ],
  [
    'a port that nobody may reach',
    firewall({guards_port: 3939}),
    rules('drop', [dport(22), {accept: null}]),
    'pass',
    {actual: {IPv4: 'refused (inet filter input, policy drop)'}},
  ],
  [
    'a port that the proxy may reach',
    firewall({guards_port: 3939}),
    rules('drop', [saddr, dport(3939), {accept: null}]),
    'pass',
    {actual: {IPv4: 'accepted from named sources only (inet filter input, handle 0)'}},
  ],
  ['a port that all may reach', firewall({guards_port: 3939}), rules('drop', [dport(3939), {accept: null}]), 'fail'],
  ['a port that must be reached', firewall({accepts_port: 443}), rules('drop', [dport(443), {accept: null}]), 'pass'],
  [
    'a condition that is not understood',
    firewall({guards_port: 3939}),
    rules('drop', [mark, {accept: null}]),
    'unknown',
  ],
  [
    'a condition that is not understood, where another decides',
    firewall({guards_port: 3939}),
    rules('drop', [mark, {accept: null}], [dport(3939), {accept: null}]),
    'fail',
  ],
  ['a packet filter that only root sees', firewall({guards_port: 3939}), {looker: 1000}, 'unknown'],
  [
    'no tools to see it',
    firewall({guards_port: 3939}),
    {},
    'unknown',
    {reason: 'cannot read the packet filter: neither nft nor iptables-save is installed'},
  ],
  ['output that is cut off', firewall({guards_port: 3939}), filtered('{"nftables": ['), 'unknown'],
  ['the packet filter of an image', firewall({guards_port: 3939}), {as: 'image'}, 'not-applicable'],
];
for (const [title, check, fixture, verdict, like] of rows) {
  test(`listen: ${title}`, async t => {
    const found = await judge(check, fixture);
    t.like(found[0], {verdict, ...like}, JSON.stringify(found));
    if (verdict !== 'pass') return;
    for (const flip of listenKind.flips(check as never)) {
      const turned = await judge(check, fixture, flip.check);
      t.not(turned[0]?.verdict, 'pass', `${flip.what} turned`);
    }
  });
}

const refused: Array<[title: string, check: object, message: RegExp]> = [
  ['no expectation', {protocol: 'tcp'}, /nothing is expected/],
  ['a port of which nothing is expected', {port: 22, firewall: {guards_port: 22}}, /nothing is expected of the port/],
  ['an address without a port', {address: 'loopback'}, /"address" needs "port"/],
  ['expectations of what must not be', {port: 22, open: false, address: 'loopback'}, /no other expectations/],
  ['a port beside only_ports', {port: 22, open: true, only_ports: [22]}, /a check of its own/],
  ['an empty firewall', {firewall: {}}, /nothing is expected/],
  ['port 0', {port: 0, open: false}, /a port from 1 to 65535/],
];
for (const [title, check, message] of refused) {
  test(`listen: refuses ${title}`, t => {
    t.throws(() => ruleOf('listen', check), {message});
  });
}

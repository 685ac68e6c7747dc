import test from 'ava';
import {collectFirewall} from '../../../../../agent/host/facts/firewall/collect.ts';
import {parseIptables} from '../../../../../agent/host/facts/firewall/iptables.ts';
import {parseNftRuleset} from '../../../../../agent/host/facts/firewall/nft.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {passFirewall} from '../../../../../policies/firewall.ts';

async function look(fixture: Fixture) {
  const host = memoryHost(fixture);
  const [answer] = await collectFirewall([{}], {host, tables: new HostTables(host)});
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

const nft = ['/usr/sbin/nft', '-j', 'list', 'ruleset'];
const chain = (family: string, table: string, name: string, policy: string) => ({
  chain: {family, table, name, type: 'filter', hook: 'input', policy},
});
const json = (...objects: object[]) => JSON.stringify({nftables: [{metainfo: {}}, ...objects]});
/** As `iptables -A INPUT -m multiport …` shows in nft. */
const xtables = json(chain('ip', 'filter', 'INPUT', 'drop'), {
  rule: {
    family: 'ip',
    table: 'filter',
    chain: 'INPUT',
    handle: 2,
    expr: [{xt: {type: 'match', name: 'multiport'}}, {accept: null}],
  },
});
const saved = (policy: string, ...rules: string[]) =>
  `# Generated\n*filter\n:INPUT ${policy} [1:2]\n:own - [0:0]\n${rules.map(rule => `-A ${rule}\n`).join('')}COMMIT\n*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n`;

test('collectFirewall() reads iptables-save where nft shows xtables rules, and not both', async t => {
  const commands = [
    {argv: nft, stdout: xtables},
    {argv: ['/usr/sbin/iptables-save'], stdout: saved('DROP', 'INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT')},
    {argv: ['/usr/sbin/ip6tables-save'], stdout: saved('ACCEPT')},
  ];
  const answer = await look({commands});
  if (answer.state !== 'seen') return t.fail(answer.reason);
  t.deepEqual(
    answer.value.chains.map(({name}) => name),
    ['iptables filter INPUT', 'iptables filter own', 'ip6tables filter INPUT', 'ip6tables filter own'],
  );
  const said = (family: 'ip' | 'ip6', port: number) =>
    passFirewall(answer.value, {family, protocol: 'tcp', port}).accepted;
  t.deepEqual([said('ip', 443), said('ip', 25), said('ip6', 25)], ['anyone', 'nobody', 'anyone']);
});

test('collectFirewall() reads the older kernel interface too where it is in use', async t => {
  const fixture = {
    files: {'/proc/net/ip_tables_names': 'filter\nnat\n'},
    commands: [{argv: nft, stdout: json(chain('inet', 'f', 'i', 'accept'))}],
  };
  t.is((await look(fixture)).state, 'unseen', 'its tool is not installed');
  const commands = [
    ...fixture.commands,
    {argv: ['/usr/sbin/iptables-legacy-save'], stdout: saved('DROP', 'INPUT -j own')},
    {argv: ['/usr/sbin/ip6tables-legacy-save'], stdout: saved('DROP')},
  ];
  const answer = await look({...fixture, commands});
  if (answer.state !== 'seen') return t.fail(answer.reason);
  t.is(passFirewall(answer.value, {family: 'ip', protocol: 'tcp', port: 22}).accepted, 'nobody');
});

test('collectFirewall() takes iptables-save alone where nft is not installed', async t => {
  const both = [
    {argv: ['/usr/sbin/iptables-save'], stdout: saved('DROP')},
    {argv: ['/usr/sbin/ip6tables-save'], stdout: ''},
  ];
  t.is((await look({commands: both})).state, 'seen');
  t.is((await look({commands: both.slice(0, 1)})).state, 'unseen', 'IPv6 is not seen');
});

const unseen: Array<[what: string, fixture: Fixture, reason: RegExp]> = [
  ['an ordinary user', {looker: 1000, commands: [{argv: nft, stdout: json()}]}, /only root may/],
  [
    'a refusal',
    {commands: [{argv: nft, exit: 1, stderr: 'Operation not permitted (you must be root)\nnetlink: Error\n'}]},
    /exit status 1: Operation not permitted/,
  ],
  ['no answer', {commands: [{argv: nft, timed_out: true}]}, /no answer/],
  ['output that is no JSON', {commands: [{argv: nft, stdout: 'table inet filter {'}]}, /cannot read what nft printed/],
  ['JSON of something else', {commands: [{argv: nft, stdout: '[]'}]}, /there is no list "nftables"/],
  ['neither tool', {}, /neither nft nor iptables-save/],
];
for (const [what, fixture, reason] of unseen) {
  test(`collectFirewall() is unseen for ${what}`, async t => {
    const answer = await look(fixture);
    t.regex(answer.state === 'unseen' ? answer.reason : answer.state, reason);
  });
}

test('collectFirewall() sees nothing of an image', async t => {
  t.is((await look({as: 'image'})).state, 'live-only');
});

test('parseNftRuleset() takes anything that is JSON', t => {
  const odd = [
    null,
    1,
    'x',
    [],
    {chain: 1},
    {rule: null},
    {rule: {expr: {}}},
    {
      rule: {
        family: 'ip',
        table: 't',
        chain: 'c',
        expr: [null, {match: 1}, {match: {op: '==', left: {payload: null}, right: {set: null}}}, {vmap: null}],
      },
    },
    {set: {name: {}, elem: 'x'}},
    {map: {name: 'm', elem: [[1]]}},
    {chain: {family: 'ip', table: 't', name: 'c'}},
  ];
  t.notThrows(() => parseNftRuleset(JSON.stringify({nftables: odd})));
});

const rules: Array<[rule: string, matches: object[], action: object]> = [
  [
    '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT',
    [{on: 'protocol', values: ['tcp'], negated: false}],
    {do: 'accept'},
  ],
  [
    '-p tcp -m tcp --tcp-flags ALL NONE -j DROP',
    [
      {on: 'protocol', values: ['tcp'], negated: false},
      {on: 'state', values: [], negated: false},
    ],
    {do: 'drop'},
  ],
  ['-m comment --comment "-j ACCEPT --dport 1" -j own', [], {do: 'jump', chain: 'iptables filter own'}],
  [
    '! -i lo+ -m conntrack ! --ctstate NEW,RELATED -g own',
    [
      {on: 'interface', values: ['lo*'], negated: true},
      {on: 'state', values: ['new', 'related'], negated: true},
    ],
    {do: 'goto', chain: 'iptables filter own'},
  ],
  ['-m owner --uid-owner 0 -j ACCEPT', [{on: 'other', text: '--uid-owner 0'}], {do: 'accept'}],
  [
    '-p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT',
    [
      {on: 'protocol', values: ['udp'], negated: false},
      {on: 'source', addresses: ['port 53'], negated: false},
      {on: 'port', ranges: [[1024, 65_535]], negated: false},
    ],
    {do: 'accept'},
  ],
  [
    '-m set --match-set friends src -j RETURN',
    [{on: 'source', addresses: ['set friends'], negated: false}],
    {do: 'return'},
  ],
  ['-j LOG --log-prefix "[UFW BLOCK] "', [], {do: 'continue'}],
];
for (const [rule, matches, action] of rules) {
  test(`parseIptables() of ${rule}`, t => {
    const [input] = parseIptables(saved('DROP', `INPUT ${rule}`), 'ip');
    t.like(input?.rules[0], {matches, action});
  });
}

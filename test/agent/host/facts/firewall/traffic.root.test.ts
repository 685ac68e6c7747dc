import {spawn, spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {text} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';

type Ruleset = {tool: 'nft' | 'iptables' | 'ip6tables'; text: string};
type Row = {family: string; port: number; said: {accepted: string; where: string; why: string}; reached: boolean};

const tools = ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/sbin/iptables-restore', '/usr/bin/unshare', '/usr/bin/nsenter'];

/** Loads each ruleset in a private network namespace and connects to it from another; the machine's own is not touched. */
async function tryOut(t: ExecutionContext, rulesets: Ruleset[]): Promise<Row[][] | null> {
  const missing = tools.filter(tool => !existsSync(tool));
  const why =
    process.geteuid?.() !== 0
      ? 'only root can make network namespaces'
      : missing.length > 0
        ? `${missing.join(', ')} is not installed`
        : null;
  const able = why === null && spawnSync('/usr/bin/unshare', ['-n', '/usr/sbin/nft', 'list', 'ruleset']).status === 0;
  if (!able) {
    t.log(`skipped: ${why ?? 'this kernel has no network namespaces or no nftables'}`);
    t.pass();
    return null;
  }
  const inside = fileURLToPath(new URL('../../../../helpers/firewall/inside.ts', import.meta.url));
  const child = spawn('/usr/bin/unshare', ['-n', process.execPath, inside], {timeout: 60_000});
  child.stdin.end(rulesets.map(ruleset => `${JSON.stringify(ruleset)}\n`).join(''));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line || '[]') as Row[]);
  t.is(lines.length, rulesets.length, stderr);
  return lines;
}

/** `anyone` must be taken and `nobody` must not; with `stranger`, who is connecting is no named source. */
function agree(t: ExecutionContext, rulesets: Ruleset[], results: Row[][], stranger: boolean): void {
  for (const [index, rows] of results.entries()) {
    for (const {family, port, said, reached} of rows) {
      const wrong =
        (said.accepted === 'anyone' && !reached) ||
        (reached && (said.accepted === 'nobody' || (stranger && said.accepted === 'some')));
      t.false(
        wrong,
        `${family} port ${port}: ${JSON.stringify(said)}, connection ${reached ? 'taken' : 'refused'}\n${rulesets[index]?.text}`,
      );
    }
  }
}

const chain = (policy: string, rules: string[], more = '') => `table inet filter {
  set ports { type inet_service; flags interval; elements = { 22, 8000-8100 } }
  set friends { type ipv4_addr; flags interval; elements = { 172.16.0.0/12 } }
  set peers { type ipv4_addr; elements = { 10.9.9.2 } }
  map verdicts { type inet_service : verdict; elements = { 25 : drop, 22 : jump mail } }
  chain mail { tcp dport { 25, 22 } accept; }
  chain strict { tcp dport 22 return; drop; }
  ${more}
  chain input {
    type filter hook input priority 0; policy ${policy};
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ${rules.join('\n    ')}
  }
}
`;

const save = (rules: string[]) =>
  `*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:allow - [0:0]\n${rules.map(rule => `-A ${rule}\n`).join('')}COMMIT\n`;

/** Each with what must be said of the ports of IPv4, where it is certain. */
const known: Array<[ruleset: Ruleset, said: {[port: number]: string}]> = [
  [
    {tool: 'nft', text: chain('accept', [])},
    {22: 'anyone', 3939: 'anyone'},
  ],
  [
    {tool: 'nft', text: chain('drop', [])},
    {22: 'nobody', 3939: 'nobody'},
  ],
  [
    {
      tool: 'nft',
      text: chain('drop', ['ct state established,related accept', 'iif lo accept', 'tcp dport @ports accept']),
    },
    {22: 'anyone', 8080: 'anyone', 25: 'nobody'},
  ],
  [
    {tool: 'nft', text: chain('accept', ['tcp dport 22 accept', 'reject with icmpx type admin-prohibited'])},
    {22: 'anyone', 25: 'nobody'},
  ],
  [
    {
      tool: 'nft',
      text: chain('drop', ['ip saddr @friends tcp dport 3939 accept', 'ip saddr @peers tcp dport 25 accept']),
    },
    {3939: 'some', 25: 'some', 22: 'nobody'},
  ],
  [
    {tool: 'nft', text: chain('drop', ['tcp dport vmap @verdicts', 'tcp dport 25 accept', 'tcp dport 8080 accept'])},
    {22: 'anyone', 25: 'nobody', 8080: 'anyone'},
  ],
  [
    {tool: 'nft', text: chain('accept', ['jump strict', 'tcp dport 22 ct state new limit rate 60/second accept'])},
    {22: 'anyone', 25: 'nobody'},
  ],
  [
    {tool: 'nft', text: chain('accept', ['goto strict', 'tcp dport 22 drop'])},
    {22: 'anyone', 25: 'nobody'},
  ],
  [
    {
      tool: 'nft',
      text: chain('accept', ['tcp dport != 22 drop', 'ct state vmap { established : accept, invalid : drop }']),
    },
    {22: 'anyone', 25: 'nobody'},
  ],
  [
    {
      tool: 'nft',
      text: chain('accept', [
        'meta nfproto ipv6 drop',
        'iifname "outer" tcp dport 25 accept',
        'ip protocol tcp th dport 3939 reject',
      ]),
    },
    {22: 'anyone', 25: 'anyone', 3939: 'nobody'},
  ],
  [
    {
      tool: 'nft',
      text: chain('accept', [], 'chain early { type filter hook prerouting priority -300; tcp dport 3939 drop; }'),
    },
    {22: 'anyone', 3939: 'nobody'},
  ],
  [
    {
      tool: 'iptables',
      text: save([
        'INPUT -i lo -j ACCEPT',
        'INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "a -j b" -j ACCEPT',
        'INPUT -p tcp -m multiport --dports 22,8000:8100 -j allow',
        'INPUT ! -s 172.16.0.0/12 -p tcp -m tcp --dport 25 -j REJECT',
        'allow -m limit --limit 60/sec -j ACCEPT',
      ]),
    },
    {22: 'anyone', 8080: 'anyone', 3939: 'nobody', 25: 'nobody'},
  ],
  [
    {
      tool: 'iptables',
      text: save([
        'INPUT -p tcp -m tcp --dport 3939 -m addrtype --dst-type LOCAL -j ACCEPT',
        'INPUT -m addrtype --dst-type MULTICAST -j ACCEPT',
        'INPUT -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -j DROP',
        'INPUT -p tcp -m tcp --dport 22 -g allow',
        'allow -s 10.9.9.2/32 -j ACCEPT',
      ]),
    },
    {3939: 'anyone', 22: 'some', 25: 'nobody'},
  ],
  [
    {tool: 'ip6tables', text: save(['INPUT -p ipv6-icmp -j ACCEPT', 'INPUT -p tcp -m tcp --dport 22 -j ACCEPT'])},
    {22: 'anyone', 25: 'anyone'},
  ],
];

test('passFirewall() says what happens to real connections', async t => {
  const rulesets = known.map(([ruleset]) => ruleset);
  const results = await tryOut(t, rulesets);
  if (results === null) return;
  agree(t, rulesets, results, false);
  for (const [index, [ruleset, said]] of known.entries()) {
    const found = Object.fromEntries(
      Object.keys(said).map(port => [
        port,
        results[index]?.find(row => row.family === 'ip' && row.port === Number(port))?.said.accepted,
      ]),
    );
    t.deepEqual(found, said, ruleset.text);
  }
});

/** A small linear congruential generator: the same rulesets each time. */
function random(seed: number): (count: number) => number {
  let state = seed;
  return count => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * count);
  };
}

const conditions = [
  'tcp dport 22',
  'tcp dport { 25, 3939 }',
  'tcp dport != 8080',
  'tcp dport 20-30',
  'ip saddr 10.9.9.77',
  'ip saddr 172.16.0.0/12',
  'ip saddr != 10.9.9.77',
  'iifname "outer"',
  'iifname "lo"',
  'iifname != "lo"',
  'ct state new',
  'ct state established',
  'meta nfproto ipv4',
  'meta l4proto udp',
  'ip6 saddr fd08::/64',
  'ip daddr 10.9.9.1',
  'meta mark 0',
  'fib daddr type local',
  'tcp flags & (fin | syn) == fin | syn',
  '',
];
const verdicts = ['accept', 'drop', 'reject', 'return', 'jump a', 'goto a', 'jump b', 'log prefix "x"'];

test('passFirewall() is never wrong about rulesets made at random', async t => {
  const pick = random(20_261_121);
  const rule = (limit: number) =>
    `${[conditions[pick(conditions.length)], conditions[pick(conditions.length)]].join(' ')} ${verdicts[pick(limit)]}`;
  const rules = (count: number, limit: number) => Array.from({length: count}, () => `    ${rule(limit)}`).join('\n');
  const rulesets = Array.from({length: 14}, (): Ruleset => {
    const source = `table inet f {\n  chain b {\n${rules(2, 4)}\n  }\n  chain a {\n${rules(3, 4)}\n    jump b\n  }\n  chain input {\n    type filter hook input priority 0; policy ${pick(2) === 0 ? 'accept' : 'drop'};\n    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n    ct state established accept\n${rules(5, verdicts.length)}\n  }\n}\n`;
    return {tool: 'nft', text: source};
  });
  const results = await tryOut(t, rulesets);
  if (results === null) return;
  agree(t, rulesets, results, true);
  const certain = results.flat().filter(({said}) => said.accepted === 'anyone' || said.accepted === 'nobody');
  t.true(certain.length > 20, `only ${certain.length} of ${results.flat().length} were certain`);
});

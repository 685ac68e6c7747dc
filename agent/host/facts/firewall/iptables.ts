import type {FirewallAction, FirewallChain, FirewallMatch, FirewallRule} from '../../../../policies/facts/firewall.ts';
import {protocolName} from './nft.ts';

/** Chains that a packet meets on its way in, of the tables that filter. */
const entered = ['INPUT', 'PREROUTING'];

/** Reads what iptables-save(8) or ip6tables-save(8) prints. The nat table does not filter and is left out. */
export function parseIptables(text: string, family: 'ip' | 'ip6'): FirewallChain[] {
  const chains = new Map<string, FirewallChain>();
  let table = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    if (table === 'nat') continue;
    const tool = family === 'ip' ? 'iptables' : 'ip6tables';
    const chainName = (name: string) => `${tool} ${table} ${name}`;
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared !== null) {
      const name = chainName(declared[1] as string);
      const base = entered.includes(declared[1] as string)
        ? ({policy: declared[2] === 'DROP' ? 'drop' : 'accept'} as const)
        : null;
      chains.set(name, {name, family, base, rules: []});
    }
    const appended = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line);
    if (appended === null) continue;
    const chain = chains.get(chainName(appended[1] as string));
    chain?.rules.push(readRule(splitWords(appended[2] as string), chainName, `${chain.name}, line ${index + 1}`));
  }
  return [...chains.values()];
}

/** Words of a saved rule; double quotes hold words together, with backslashes inside. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replace(/\\(.)/g, '$1') ?? (plain as string),
  );
}

function readRule(words: string[], chainName: (name: string) => string, where: string): FirewallRule {
  const matches: FirewallMatch[] = [];
  let action: FirewallAction = {do: 'continue'};
  for (let at = 0; at < words.length; at++) {
    const negated = words[at] === '!';
    if (negated) at++;
    const option = words[at] as string;
    const value = words[at + 1] ?? '';
    if (option === '-j' || option === '-g') {
      action = targetOf(value, option, chainName);
      break;
    }
    const read = options.get(option);
    if (option === '--tcp-flags') matches.push(...tcpFlags(value, words[++at + 1] ?? '', negated));
    else if (read !== undefined) matches.push(...read(value, negated));
    else if (option.startsWith('-') && !harmless.test(option))
      matches.push({on: 'other', text: `${option} ${value}`.trim()});
    if (option.startsWith('-') && !flags.has(option)) at++;
  }
  return {matches, action, where};
}

/** Options that take no value. */
const flags = new Set([
  '--syn',
  '--fragment',
  '-f',
  '--invert',
  '--validmark',
  '--accept-local',
  '--loose',
  '--set',
  '--rcheck',
  '--update',
  '--rsource',
  '--reap',
]);
/** Options that say nothing of which packets are met, or only more of what their module said. */
const harmless =
  /^--(?:comment|limit|limit-burst|hashlimit-.*|connlimit-.*|invert|validmark|accept-local|loose|seconds|hitcount|name|mask|rsource|reap)$/;

type Read = (value: string, negated: boolean) => FirewallMatch[];
const list = (value: string) => value.split(',');
const ports: Read = (value, negated) => {
  const ranges = list(value).map(part => part.split(':').map(Number));
  const read = ranges.map(([from, to]) => [from ?? Number.NaN, to ?? from ?? Number.NaN] as [number, number]);
  return read.flat().some(Number.isNaN)
    ? [{on: 'other', text: `ports ${value}`}]
    : [{on: 'port', ranges: read, negated}];
};
const states: Read = (value, negated) => [
  {on: 'state', values: list(value).map(state => state.toLowerCase()), negated},
];
const recent: Read = (_, negated) => [{on: 'source', addresses: ['recent list'], negated}];
/** A condition that no new connection from outside meets. */
const never: FirewallMatch[] = [{on: 'state', values: [], negated: false}];

/** Of the flags in `mask` only those in `set`; the first packet of a connection has SYN alone. */
function tcpFlags(mask: string, set: string, negated: boolean): FirewallMatch[] {
  const holds = set === (/^ALL$|\bSYN\b/.test(mask) ? 'SYN' : 'NONE');
  return holds !== negated ? [] : never;
}

const options: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['-p', (value, negated) => (value === 'all' ? [] : [{on: 'protocol', values: [protocolName(value)], negated}])],
  ['-i', (value, negated) => [{on: 'interface', values: [value.replace(/\+$/, '*')], negated}]],
  ['-s', (value, negated) => [{on: 'source', addresses: list(value), negated}]],
  ['-d', (value, negated) => [{on: 'destination', addresses: list(value), negated}]],
  ['--dport', ports],
  ['--dports', ports],
  ['--sport', (value, negated) => [{on: 'source', addresses: [`port ${value}`], negated}]],
  ['--sports', (value, negated) => [{on: 'source', addresses: [`ports ${value}`], negated}]],
  ['--match-set', (value, negated) => [{on: 'source', addresses: [`set ${value}`], negated}]],
  ['--src-range', (value, negated) => [{on: 'source', addresses: [value], negated}]],
  ['--mac-source', (value, negated) => [{on: 'source', addresses: [value], negated}]],
  ['--ctstate', states],
  ['--state', states],
  ['--dst-type', (value, negated) => (list(value).includes('LOCAL') !== negated ? [] : never)],
  ['--icmp-type', () => [{on: 'protocol', values: ['icmp'], negated: false}]],
  ['--icmpv6-type', () => [{on: 'protocol', values: ['ipv6-icmp'], negated: false}]],
  ['--rcheck', recent],
  ['--update', recent],
  ['--set', () => []],
  ['--syn', (_, negated) => (negated ? never : [])],
  [
    '-m',
    value => {
      if (value === 'limit' || value === 'hashlimit') return [{on: 'rate', text: value}];
      return value === 'rpfilter' || value === 'connlimit' ? [{on: 'odd', text: value}] : [];
    },
  ],
]);

const passing = new Set([
  'LOG',
  'NFLOG',
  'ULOG',
  'MARK',
  'CONNMARK',
  'TRACE',
  'CT',
  'NOTRACK',
  'AUDIT',
  'CLASSIFY',
  'DSCP',
  'TOS',
  'TTL',
  'HL',
  'TCPMSS',
  'SET',
  'CHECKSUM',
]);

function targetOf(target: string, option: '-j' | '-g', chainName: (name: string) => string): FirewallAction {
  switch (target) {
    case 'ACCEPT':
      return {do: 'accept'};
    case 'DROP':
      return {do: 'drop'};
    case 'REJECT':
      return {do: 'reject'};
    case 'RETURN':
      return {do: 'return'};
    default:
      return passing.has(target) ? {do: 'continue'} : {do: option === '-g' ? 'goto' : 'jump', chain: chainName(target)};
  }
}

import type {FirewallAction, FirewallChain, FirewallMatch, FirewallRule} from '../../../../policies/facts/firewall.ts';

type Value = unknown;
type Fields = {[key: string]: Value};
type Elements = Map<string, Value[]>;

/** Chains of `nft -j list ruleset`, and whether some of them are xtables rules, which nft itself does not show. */
export type NftRuleset = {chains: FirewallChain[]; hasXtables: boolean};

/** Reads the JSON of libnftables-json(5). Throws a `SyntaxError` for text that is not such JSON. */
export function parseNftRuleset(text: string): NftRuleset {
  const root = fields(JSON.parse(text));
  if (!Array.isArray(root.nftables)) throw new SyntaxError('there is no list "nftables"');
  const objects = root.nftables.map(fields);
  const elements: Elements = new Map();
  for (const object of objects) {
    const set = fields(object.set ?? object.map);
    if (set.name !== undefined) elements.set(inTable(set, `@${asText(set.name)}`), list(set.elem));
  }
  const chains = new Map<string, FirewallChain>();
  for (const object of objects) {
    const chain = fields(object.chain);
    const {family} = chain;
    if (family !== 'ip' && family !== 'ip6' && family !== 'inet') continue;
    const entered = (chain.hook === 'input' || chain.hook === 'prerouting') && chain.type === 'filter';
    const name = inTable(chain, asText(chain.name));
    chains.set(name, {
      name,
      family,
      base: entered ? {policy: chain.policy === 'drop' ? 'drop' : 'accept'} : null,
      rules: [],
    });
  }
  for (const object of objects) {
    const rule = fields(object.rule);
    chains.get(inTable(rule, asText(rule.chain)))?.rules.push(...readRule(rule, elements));
  }
  return {chains: [...chains.values()], hasXtables: /"xt":/.test(text)};
}

const inTable = (object: Fields, name: string) => `${asText(object.family)} ${asText(object.table)} ${name}`;

/** One rule; a verdict map makes several of it, one an element. */
function readRule(rule: Fields, elements: Elements): FirewallRule[] {
  const where = `${inTable(rule, asText(rule.chain))}, handle ${asText(rule.handle)}`;
  const matches: FirewallMatch[] = [];
  for (const expression of list(rule.expr).map(fields)) {
    const [kind = ''] = Object.keys(expression);
    const action = actionOf(expression, rule);
    if (action !== null) return [{matches: [...matches, ...impliedBy(fields(expression.reject))], action, where}];
    if (kind === 'match') matches.push(...readMatch(fields(expression.match), rule, elements));
    else if (kind === 'vmap') return readVerdictMap(fields(expression.vmap), matches, rule, elements, where);
    else if (kind === 'limit' || kind === 'quota' || kind === 'ct count')
      matches.push({on: kind === 'limit' ? 'rate' : 'odd', text: kind});
    else if (kind === 'xt') matches.push({on: 'other', text: `xtables ${asText(fields(expression.xt).name)}`});
    else if (!statements.has(kind)) matches.push({on: 'other', text: kind});
  }
  const unknown = matches.some(({on}) => on === 'other');
  return unknown ? [{matches, action: {do: 'drop'}, where}] : [];
}

/** Statements that neither choose packets nor end their way. */
const statements = new Set([
  'counter',
  'log',
  'mangle',
  'notrack',
  'ct helper',
  'ct timeout',
  'ct expectation',
  'set',
  'flow',
  'comment',
  'meter',
  'secmark',
  'synproxy',
]);

/** nft leaves out the family or protocol that a kind of refusal can only be for. */
function impliedBy({type}: Fields): FirewallMatch[] {
  if (type === 'icmp') return [{on: 'family', values: ['ip'], negated: false}];
  if (type === 'icmpv6') return [{on: 'family', values: ['ip6'], negated: false}];
  return type === 'tcp reset' ? tcp : [];
}

function actionOf(expression: Fields, rule: Fields): FirewallAction | null {
  for (const verdict of ['accept', 'drop', 'reject', 'return', 'continue'] as const) {
    if (verdict in expression) return {do: verdict};
  }
  for (const verdict of ['jump', 'goto'] as const) {
    if (verdict in expression) return {do: verdict, chain: inTable(rule, asText(fields(expression[verdict]).target))};
  }
  return null;
}

function readVerdictMap(
  vmap: Fields,
  before: FirewallMatch[],
  rule: Fields,
  elements: Elements,
  where: string,
): FirewallRule[] {
  const data = typeof vmap.data === 'string' ? elements.get(inTable(rule, vmap.data)) : list(fields(vmap.data).set);
  if (data === undefined)
    return [{matches: [...before, {on: 'other', text: `map ${asText(vmap.data)}`}], action: {do: 'drop'}, where}];
  return data.flatMap((element): FirewallRule[] => {
    const [key, verdict] = list(element);
    const action = actionOf(fields(verdict), rule);
    if (action === null) return [];
    return [
      {
        matches: [...before, ...readMatch({op: '==', left: vmap.key, right: {set: [key]}}, rule, elements)],
        action,
        where,
      },
    ];
  });
}

function readMatch(match: Fields, rule: Fields, elements: Elements): FirewallMatch[] {
  const negated = match.op === '!=';
  const left = fields(match.left);
  const other: FirewallMatch[] = [{on: 'other', text: JSON.stringify(match).slice(0, 120)}];
  if (match.op !== '==' && match.op !== '!=' && match.op !== 'in') return other;
  if (left.concat !== undefined)
    return /"saddr"/.test(JSON.stringify(left)) ? [{on: 'source', addresses: ['listed pairs'], negated}] : other;
  const right = members(match.right, rule, elements);
  if (right === null) return other;
  const [payload, meta, ct] = [fields(left.payload), fields(left.meta), fields(left.ct)];
  const words = right.map(asText);
  const [masked, mask] = list(left['&']);
  if (payload.field === 'flags' || fields(fields(masked).payload).field === 'flags') {
    return readFlags(asText(match.op), mask === undefined ? null : flagsOf(mask), flagsOf(match.right));
  }
  if (left['&'] !== undefined) return other;
  if (left.fib !== undefined) return readFib(fields(left.fib), words, negated);
  if (ct.key === 'state') return [{on: 'state', values: words, negated}];
  // An address translation has such a status; a connection to a port of this host has none.
  if (ct.key === 'status') return [{on: 'state', values: [], negated}];
  if (meta.key === 'iif' || meta.key === 'iifname') return [{on: 'interface', values: words, negated}];
  if (meta.key === 'l4proto') return [{on: 'protocol', values: words.map(protocolName), negated}];
  if (meta.key === 'nfproto')
    return [{on: 'family', values: words.map(word => (word === 'ipv6' ? 'ip6' : 'ip')), negated}];
  if (meta.key === 'protocol') return [{on: 'family', values: words, negated}];
  if (payload.protocol === 'ip' || payload.protocol === 'ip6') return readAddress(payload, words, negated) ?? other;
  return readTransport(payload, right, words, negated) ?? other;
}

/** The TCP flags of a first packet: SYN alone. Without a mask, `in` asks whether any of the flags is set. */
function readFlags(op: string, mask: string[] | null, wanted: string[]): FirewallMatch[] {
  const given = mask === null || mask.includes('syn') ? ['syn'] : [];
  const same = wanted.length === given.length && wanted.every(flag => given.includes(flag));
  const holds = op === 'in' ? wanted.includes('syn') : same !== (op === '!=');
  return holds ? tcp : never;
}

const tcp: FirewallMatch[] = [{on: 'protocol', values: ['tcp'], negated: false}];
/** A condition that no new connection from outside meets. */
const never: FirewallMatch[] = [{on: 'state', values: [], negated: false}];

/** `syn`, a list, or `{"|": […]}`, as the versions of nft write it. */
function flagsOf(value: Value): string[] {
  const parts = fields(value)['|'] ?? value;
  return Array.isArray(parts) ? parts.flatMap(flagsOf) : [asText(parts)];
}

function readAddress(payload: Fields, words: string[], negated: boolean): FirewallMatch[] | null {
  const family: FirewallMatch = {on: 'family', values: [asText(payload.protocol)], negated: false};
  switch (payload.field) {
    case 'saddr':
      return [family, {on: 'source', addresses: words, negated}];
    case 'daddr':
      return [family, {on: 'destination', addresses: words, negated}];
    case 'protocol':
    case 'nexthdr':
      return [family, {on: 'protocol', values: words.map(protocolName), negated}];
    default:
      return null;
  }
}

const transports = new Set([
  'tcp',
  'udp',
  'th',
  'sctp',
  'dccp',
  'udplite',
  'icmp',
  'icmpv6',
  'igmp',
  'esp',
  'ah',
  'comp',
]);

function readTransport(payload: Fields, right: Value[], words: string[], negated: boolean): FirewallMatch[] | null {
  const protocol = asText(payload.protocol);
  if (protocol === 'ether' && payload.field === 'saddr') return [{on: 'source', addresses: words, negated}];
  if (!transports.has(protocol)) return null;
  const own: FirewallMatch[] = protocol === 'th' ? [] : [{on: 'protocol', values: [protocol], negated: false}];
  if (payload.field === 'dport') {
    const ranges = right.map(portRange);
    return ranges.some(range => range === null)
      ? null
      : [...own, {on: 'port', ranges: ranges as Array<[number, number]>, negated}];
  }
  if (protocol === 'icmp' || protocol === 'icmpv6') return own;
  return payload.field === 'sport'
    ? [...own, {on: 'source', addresses: words.map(word => `port ${word}`), negated}]
    : null;
}

/** `fib daddr type`: a connection comes to a local address. Other look-ups find spoofed sources. */
function readFib(fib: Fields, words: string[], negated: boolean): FirewallMatch[] {
  if (fib.result !== 'type' || !list(fib.flags).includes('daddr')) return [{on: 'odd', text: 'fib'}];
  return words.includes('local') === negated ? never : [];
}

/** The values of a right-hand side, sets opened; null when a named set is not in the ruleset. */
function members(right: Value, rule: Fields, elements: Elements): Value[] | null {
  if (typeof right === 'string' && right.startsWith('@')) {
    const named = elements.get(inTable(rule, right));
    return named?.map(unwrap) ?? null;
  }
  const parts = fields(right)['|'];
  if (Array.isArray(right) || parts !== undefined) return list(parts ?? right).map(unwrap);
  const set = fields(right).set;
  return set === undefined ? [right] : list(set).map(unwrap);
}

/** An element may carry a timeout or comment. */
const unwrap = (element: Value): Value => fields(fields(element).elem).val ?? element;

function portRange(value: Value): [number, number] | null {
  const [from, to] = fields(value).range === undefined ? [value, value] : list(fields(value).range);
  return typeof from === 'number' && typeof to === 'number' ? [from, to] : null;
}

const protocolNumbers = new Map([
  ['6', 'tcp'],
  ['17', 'udp'],
]);
export const protocolName = (word: string): string => protocolNumbers.get(word) ?? word;

const fields = (value: Value): Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {};
const list = (value: Value): Value[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

function asText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  const {addr, len} = fields(fields(value).prefix);
  if (addr !== undefined) return `${asText(addr)}/${asText(len)}`;
  const range = fields(value).range;
  return range === undefined ? '' : list(range).map(asText).join('-');
}

import type {FirewallAction, FirewallChain, FirewallFact, FirewallMatch, FirewallRule} from './facts/firewall.ts';
import {matchesPattern} from './pattern.ts';

/** The first packet of a connection from another machine. `port` null: one that no rule names. */
export type FirewallPacket = {family: 'ip' | 'ip6'; protocol: 'tcp' | 'udp'; port: number | null};

/**
 * Who gets in: `anyone`, `some` (named sources), `nobody`, or `unsure` where a rule that is not understood decides.
 * `refusal` is what others get. `where` names the chain and rule that decided.
 */
export type FirewallOutcome = {
  accepted: 'anyone' | 'some' | 'nobody' | 'unsure';
  refusal: 'drop' | 'reject' | null;
  where: string;
  why: string;
};

const maxSteps = 100_000;
const maxDepth = 32;

/** Walks all chains that such a packet passes on its way in; it gets in only where each accepts it. */
export function passFirewall({chains}: FirewallFact, packet: FirewallPacket): FirewallOutcome {
  const bases = chains.filter(({base, family}) => base !== null && (family === 'inet' || family === packet.family));
  const outcomes = bases.map(base => new Walk(chains, packet).outcome(base));
  for (const accepted of ['nobody', 'some', 'unsure'] as const) {
    const found = outcomes.find(outcome => outcome.accepted === accepted);
    if (found !== undefined) return found;
  }
  const opening = outcomes.find(({why}) => why !== '') ?? outcomes[0];
  return (
    opening ?? {accepted: 'anyone', refusal: null, where: 'no chain for incoming packets', why: 'nothing is filtered'}
  );
}

/** Those packets that are still on their way: from anyone or only from some, and what made that doubtful. */
type Flow = {reach: 'anyone' | 'some'; doubt: string | null};

/**
 * Which of the packets a rule meets: `no`, or all but for these limits. `few`: of named sources. `most`: of all but
 * named ones. `interface`: on one interface or address only. `rate`: ordinary ones, until there are too many. `odd`:
 * none that is ordinary. `doubtful`: not understood.
 */
type Limits = ReadonlyMap<'few' | 'most' | 'interface' | 'rate' | 'odd' | 'doubtful', string>;
type Fit = 'no' | Limits;
const everything: Limits = new Map();

class Walk {
  readonly #chains: ReadonlyMap<string, FirewallChain>;
  readonly #packet: FirewallPacket;
  readonly #accepted: Array<Flow & {where: string}> = [];
  #refused: {kind: 'drop' | 'reject'; where: string} | null = null;
  #steps = 0;

  constructor(chains: FirewallChain[], packet: FirewallPacket) {
    this.#chains = new Map(chains.map(chain => [chain.name, chain]));
    this.#packet = packet;
  }

  outcome(base: FirewallChain): FirewallOutcome {
    const rest = this.#walk(base, {reach: 'anyone', doubt: null}, 0);
    const policy = `${base.name}, policy ${base.base?.policy}`;
    if (rest !== null) this.#finish({do: base.base?.policy ?? 'accept'}, rest, policy);
    const open = this.#accepted.find(({reach, doubt}) => reach === 'anyone' && doubt === null);
    const doubtful = this.#accepted.find(({doubt}) => doubt !== null);
    const some = this.#accepted[0];
    const refusal = this.#refused?.kind ?? null;
    if (open !== undefined)
      return {accepted: 'anyone', refusal, where: open.where, why: open.where === policy ? '' : 'accepted'};
    if (doubtful !== undefined)
      return {accepted: 'unsure', refusal, where: doubtful.where, why: doubtful.doubt as string};
    const where = this.#refused?.where ?? policy;
    if (some !== undefined) return {accepted: 'some', refusal, where: some.where, why: 'accepted from named sources'};
    return {accepted: 'nobody', refusal, where, why: 'refused'};
  }

  /** What is left of the flow after the chain; null when nothing is. */
  #walk(chain: FirewallChain, flow: Flow, depth: number): Flow | null {
    let rest: Flow | null = flow;
    let returned: Flow | null = null;
    for (const rule of chain.rules) {
      if (rest === null) break;
      if (++this.#steps > maxSteps || depth > maxDepth) {
        this.#accepted.push({...rest, doubt: 'there are too many rules to follow', where: rule.where});
        return rest;
      }
      const fit = fitOf(rule, this.#packet);
      const {action} = rule;
      if (fit === 'no' || action.do === 'continue') continue;
      const taken = takenBy(fit, rest);
      const left = leftBy(fit, rest, action);
      if (action.do === 'return') returned = wider(returned, taken);
      else if (action.do === 'jump' || action.do === 'goto') {
        const target = this.#chains.get(action.chain);
        const after =
          target === undefined
            ? {...taken, doubt: `there is no chain ${action.chain}`}
            : this.#walk(target, taken, depth + 1);
        const others = action.do === 'jump' && isAsWide(after, taken) ? left : doubted(left, fit);
        if (action.do === 'goto') returned = wider(returned, after);
        rest = action.do === 'goto' ? others : wider(others, after);
        continue;
      } else if (takesForSure(action, fit)) this.#finish(action, taken, rule.where);
      rest = left;
    }
    return wider(rest, returned);
  }

  #finish(action: FirewallAction, flow: Flow, where: string): void {
    if (action.do === 'accept') this.#accepted.push({...flow, where});
    else if (action.do === 'drop' || action.do === 'reject') this.#refused ??= {kind: action.do, where};
  }
}

const refuses = (action: FirewallAction): boolean => action.do === 'drop' || action.do === 'reject';

/** A refusal is one only where it meets (nearly) all; accepting some is worth knowing. */
const takesForSure = (action: FirewallAction, fit: Limits): boolean =>
  !refuses(action) || [...fit.keys()].every(limit => limit === 'most');

/** The part of the flow that a rule takes. */
function takenBy(fit: Limits, flow: Flow): Flow {
  const doubt = flow.doubt ?? fit.get('doubtful') ?? fit.get('odd') ?? null;
  return {reach: fit.has('few') ? 'some' : flow.reach, doubt};
}

/** The part that goes on to the next rule. What gets by a refusal or return that may have met it is doubtful. */
function leftBy(fit: Limits, flow: Flow, action: FirewallAction): Flow | null {
  if (fit.size === 0) return null;
  if (fit.size === 1 && fit.has('most')) return {...flow, reach: 'some'};
  return refuses(action) || action.do === 'return' ? doubted(flow, fit) : flow;
}

/** Who is left by a refusal, or by a chain that let fewer by, under conditions that may have met more of them. */
function doubted(left: Flow | null, fit: Limits): Flow | null {
  if (left === null || fit.has('few') || fit.has('rate') || fit.has('odd')) return left;
  return {...left, doubt: left.doubt ?? fit.get('doubtful') ?? fit.get('interface') ?? null};
}

const rank = (flow: Flow) => (flow.reach === 'anyone' ? 2 : 0) + (flow.doubt === null ? 1 : 0);
const isAsWide = (flow: Flow | null, other: Flow) => flow !== null && rank(flow) >= rank(other);

function wider(a: Flow | null, b: Flow | null): Flow | null {
  if (a === null || b === null) return a ?? b;
  return rank(a) >= rank(b) ? a : b;
}

function fitOf(rule: FirewallRule, packet: FirewallPacket): Fit {
  const limits = new Map<string, string>();
  for (const match of rule.matches) {
    const fit = fitOfMatch(match, packet);
    if (fit === 'no') return 'no';
    for (const [limit, text] of fit) limits.set(limit, text);
  }
  return limits as Limits;
}

function fitOfMatch(match: FirewallMatch, {family, protocol, port}: FirewallPacket): Fit {
  const negated = 'negated' in match && match.negated;
  const exactly = (holds: boolean): Fit => (holds !== negated ? everything : 'no');
  switch (match.on) {
    case 'family':
      return exactly(match.values.includes(family));
    case 'protocol':
      return exactly(match.values.includes(protocol));
    case 'state':
      return exactly(match.values.includes('new'));
    case 'port':
      return exactly(port !== null && match.ranges.some(([from, to]) => from <= port && port <= to));
    case 'interface':
      return inPart(
        match.values.filter(name => name !== 'lo'),
        name => matchesPattern(name, 'any interface'),
        negated,
        'met on one interface only',
      );
    case 'destination':
      return inPart(
        match.addresses.filter(address => !isOwn(address) && !isGroup(address)),
        isEverywhere,
        negated,
        'met at one address only',
      );
    case 'source': {
      const outside = match.addresses.filter(address => !isOwn(address));
      if (outside.length === 0 || outside.some(isEverywhere)) return exactly(outside.length > 0);
      return new Map([[negated ? 'most' : 'few', outside.join(', ')]]);
    }
    case 'rate':
      return new Map([['rate', match.text]]);
    case 'odd':
      return new Map([['odd', `the rule's condition is for odd packets: ${match.text}`]]);
    case 'other':
      return new Map([['doubtful', `the rule's condition is not understood: ${match.text}`]]);
  }
}

/** A condition on an interface or an address of this host: which of them a packet comes by is not known. */
function inPart(names: string[], isAny: (name: string) => boolean, negated: boolean, why: string): Fit {
  if (names.length === 0 || names.some(isAny)) return names.length > 0 !== negated ? everything : 'no';
  return new Map([['interface', `${why}: ${negated ? 'not ' : ''}${names.join(', ')}`]]);
}

const isEverywhere = (address: string) => /^(?:0\.0\.0\.0\/0|::\/0)$/.test(address);
const isOwn = (address: string) => /^127\.|^::1(?:\/128)?$/.test(address);
/** Multicast and broadcast: nobody connects to those. */
const isGroup = (address: string) => /^(?:22[4-9]|23\d)\.|^ff[0-9a-f]{2}:|^255\.255\.255\.255/.test(address);

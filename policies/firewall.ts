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
type Fit = 'no' | 'all' | {part: 'few' | 'most' | 'interface' | 'abnormal' | 'doubtful'; text: string};

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
        if (action.do === 'goto') returned = wider(returned, after);
        rest =
          action.do === 'goto' || fit === 'all'
            ? action.do === 'goto'
              ? left
              : after
            : wider(doubted(left, fit, after), after);
        continue;
      } else this.#take(action, fit, taken, rule.where);
      rest = left;
    }
    return wider(rest, returned);
  }

  #take(action: FirewallAction, fit: Fit, taken: Flow, where: string): void {
    const refuses = action.do === 'drop' || action.do === 'reject';
    if (!refuses || fit === 'all' || (typeof fit === 'object' && fit.part === 'most'))
      this.#finish(action, taken, where);
  }

  #finish(action: FirewallAction, flow: Flow, where: string): void {
    if (action.do === 'accept') this.#accepted.push({...flow, where});
    else if (action.do === 'drop' || action.do === 'reject') this.#refused ??= {kind: action.do, where};
  }
}

/** The part of the flow that a rule takes. */
function takenBy(fit: Fit, flow: Flow): Flow {
  if (typeof fit !== 'object') return flow;
  if (fit.part === 'few') return {...flow, reach: 'some'};
  return fit.part === 'doubtful' ? {...flow, doubt: flow.doubt ?? fit.text} : flow;
}

/** The part that goes on to the next rule. Of a refusal that is not understood, what gets by it is doubtful. */
function leftBy(fit: Fit, flow: Flow, action: FirewallAction): Flow | null {
  if (fit === 'all') return null;
  if (typeof fit !== 'object') return flow;
  const refuses = action.do === 'drop' || action.do === 'reject';
  if (fit.part === 'most') return {...flow, reach: 'some'};
  if (refuses && fit.part === 'doubtful') return {...flow, doubt: flow.doubt ?? fit.text};
  if (refuses && fit.part === 'interface') return {...flow, doubt: flow.doubt ?? `refused on ${fit.text} only`};
  return flow;
}

/** Where a condition that is not understood leads to a chain that lets nobody by, who is left is doubtful. */
function doubted(left: Flow | null, fit: Fit, after: Flow | null): Flow | null {
  const open = left === null || after !== null || typeof fit !== 'object' || fit.part !== 'doubtful';
  return open ? left : {...left, doubt: left.doubt ?? fit.text};
}

function wider(a: Flow | null, b: Flow | null): Flow | null {
  if (a === null || b === null) return a ?? b;
  const rank = (flow: Flow) => (flow.reach === 'anyone' ? 2 : 0) + (flow.doubt === null ? 1 : 0);
  return rank(a) >= rank(b) ? a : b;
}

function fitOf(rule: FirewallRule, packet: FirewallPacket): Fit {
  const order = ['doubtful', 'abnormal', 'few', 'interface', 'most'];
  let narrowest: Fit = 'all';
  for (const match of rule.matches) {
    const fit = fitOfMatch(match, packet);
    if (fit === 'no') return 'no';
    if (typeof fit !== 'object') continue;
    if (typeof narrowest !== 'object' || order.indexOf(fit.part) < order.indexOf(narrowest.part)) narrowest = fit;
  }
  return narrowest;
}

function fitOfMatch(match: FirewallMatch, {family, protocol, port}: FirewallPacket): Fit {
  const exactly = (holds: boolean, negated: boolean): Fit => (holds !== negated ? 'all' : 'no');
  switch (match.on) {
    case 'family':
      return exactly(match.values.includes(family), match.negated);
    case 'protocol':
      return exactly(match.values.includes(protocol), match.negated);
    case 'state':
      return exactly(match.values.includes('new'), match.negated);
    case 'port':
      return exactly(port !== null && match.ranges.some(([from, to]) => from <= port && port <= to), match.negated);
    case 'interface': {
      const others = match.values.filter(name => name !== 'lo');
      if (others.length === 0) return match.negated ? 'all' : 'no';
      if (others.some(name => matchesPattern(name, 'any interface'))) return match.negated ? 'no' : 'all';
      return match.negated ? 'all' : {part: 'interface', text: others.join(', ')};
    }
    case 'source': {
      const outside = match.addresses.filter(address => !isOwn(address));
      if (outside.some(isEverywhere)) return match.negated ? 'no' : 'all';
      if (outside.length === 0) return match.negated ? 'all' : 'no';
      return {part: match.negated ? 'most' : 'few', text: outside.join(', ')};
    }
    case 'destination': {
      const here = match.addresses.filter(address => !isOwn(address) && !isGroup(address));
      if (here.some(isEverywhere)) return match.negated ? 'no' : 'all';
      if (here.length === 0) return match.negated ? 'all' : 'no';
      return {part: 'interface', text: here.join(', ')};
    }
    case 'abnormal':
      return {part: 'abnormal', text: match.text};
    case 'other':
      return {part: 'doubtful', text: `the rule's condition is not understood: ${match.text}`};
  }
}

const isEverywhere = (address: string) => /^(?:0\.0\.0\.0\/0|::\/0)$/.test(address);
const isOwn = (address: string) => /^127\.|^::1(?:\/128)?$/.test(address);
/** Multicast and broadcast: nobody connects to those. */
const isGroup = (address: string) => /^(?:22[4-9]|23\d)\.|^ff[0-9a-f]{2}:|^255\.255\.255\.255/.test(address);

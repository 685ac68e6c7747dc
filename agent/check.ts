import {judgeRule, wantedFacts} from '../policies/engine.ts';
import {type FactName, factKey} from '../policies/facts/index.ts';
import type {Finding} from '../policies/finding.ts';
import type {Rule} from '../policies/pack.ts';
import {collectFacts} from './host/facts/collect.ts';
import type {Host} from './host/host.ts';

/** Looks at the host and judges every rule, in the rules' order. Looking comes first, each fact once. */
export async function checkHost(host: Host, rules: Rule[], progress?: (fact: FactName, count: number) => void): Promise<Finding[]> {
  const wanted = wantedFacts(rules);
  const {facts, costMs} = await collectFacts(host, wanted.map(({request}) => request), progress);
  const lookMs = new Map<string, number>();
  for (const {request, rules: wanting} of wanted) {
    for (const rule of wanting) lookMs.set(rule, (lookMs.get(rule) ?? 0) + (costMs.get(factKey(request)) ?? 0) / wanting.length);
  }
  return rules.flatMap(rule => judgeRule(rule, facts, {now: host.now(), lookMs: lookMs.get(rule.id) ?? 0, clock: host.clock}));
}

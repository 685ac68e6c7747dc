import {applicabilityFacts, judgeRule, judgingFacts, mayApply, type WantedFact} from '../policies/engine.ts';
import {factKey} from '../policies/facts/index.ts';
import type {Finding} from '../policies/finding.ts';
import type {Rule} from '../policies/pack.ts';
import {Collection, type CollectOptions} from './host/facts/collect.ts';
import type {Host} from './host/host.ts';

/**
 * Looks at the host and judges every rule, in the rules' order. Looking comes first: what tells which rules apply, then
 * what judging those takes, each fact once.
 */
export async function checkHost(host: Host, rules: Rule[], options: CollectOptions = {}): Promise<Finding[]> {
  const collection = new Collection(host, options);
  const before = applicabilityFacts(rules);
  await collection.look(before.map(({request}) => request));
  const judging = judgingFacts(rules.filter(rule => mayApply(rule, collection.facts)));
  await collection.look(judging.map(({request}) => request));
  const lookMs = shareCosts([...before, ...judging], collection.costMs);
  return rules.flatMap(rule =>
    judgeRule(rule, collection.facts, {now: host.now(), lookMs: lookMs.get(rule.id) ?? 0, clock: host.clock}),
  );
}

/** What looking cost each rule, by its id: a fact that several wanted is shared out evenly among them. */
function shareCosts(wanted: WantedFact[], costMs: ReadonlyMap<string, number>): Map<string, number> {
  const lookMs = new Map<string, number>();
  for (const {request, rules} of wanted) {
    const each = (costMs.get(factKey(request)) ?? 0) / rules.length;
    for (const rule of rules) lookMs.set(rule, (lookMs.get(rule) ?? 0) + each);
  }
  return lookMs;
}

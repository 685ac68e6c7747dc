import {applicabilityFacts, judgeRule, judgingFacts, mayApply, type WantedFact} from '../policies/engine.ts';
import {factKey} from '../policies/facts/index.ts';
import type {Finding} from '../policies/finding.ts';
import type {Rule} from '../policies/pack.ts';
import {Collection, type CollectOptions} from './host/facts/collect.ts';
import type {Host} from './host/host.ts';

export type CheckOptions = CollectOptions & {
  /** Told before every look and before every judging which rules it is for: what hangs from here on hangs for them. */
  onLook?: (what: string, rules: string[]) => void;
};

/**
 * Looks at the host and judges every rule, in the rules' order. Looking comes first: what tells which rules apply, then
 * what judging those takes, each fact once.
 */
export async function checkHost(host: Host, rules: Rule[], options: CheckOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const {found} of judgeHost(host, rules, options)) findings.push(...found);
  return findings;
}

/** {@link checkHost} rule by rule, as each is judged. */
export async function* judgeHost(
  host: Host,
  rules: Rule[],
  options: CheckOptions = {},
): AsyncGenerator<{rule: Rule; found: Finding[]}> {
  yield* judgeWith(host, rules, new Collection(host, options), options);
}

/**
 * Looks and judges one rule after the other, so that a look that hangs is known to be one rule's. Finds the same as
 * {@link judgeHost}, and costs more: what serves many rules in one go is done for each.
 */
export async function* judgeApart(
  host: Host,
  rules: Rule[],
  options: CheckOptions = {},
): AsyncGenerator<{rule: Rule; found: Finding[]}> {
  const collection = new Collection(host, options);
  for (const rule of rules) yield* judgeWith(host, [rule], collection, options);
}

async function* judgeWith(
  host: Host,
  rules: Rule[],
  collection: Collection,
  {onLook = () => {}}: CheckOptions,
): AsyncGenerator<{rule: Rule; found: Finding[]}> {
  const before = applicabilityFacts(rules);
  await look(collection, before, onLook);
  const judging = judgingFacts(rules.filter(rule => mayApply(rule, collection.facts)));
  await look(collection, judging, onLook);
  const lookMs = shareCosts([...before, ...judging], collection.costMs);
  for (const rule of rules) {
    onLook('judging', [rule.id]);
    const options = {now: host.now(), lookMs: lookMs.get(rule.id) ?? 0, clock: host.clock};
    yield {rule, found: judgeRule(rule, collection.facts, options)};
  }
}

async function look(
  collection: Collection,
  wanted: WantedFact[],
  onLook: (what: string, rules: string[]) => void,
): Promise<void> {
  const rulesOf = new Map(wanted.map(({request, rules}) => [request, rules]));
  await collection.look([...rulesOf.keys()], (fact, group) =>
    onLook(fact, [...new Set(group.flatMap(request => rulesOf.get(request) ?? []))]),
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

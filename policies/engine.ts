import {applicability, appliesWants} from './applies.ts';
import {type FactRequest, type Facts, factKey} from './facts/index.ts';
import type {Comparison, Finding, Judgement, Severity} from './finding.ts';
import type {Json} from './json.ts';
import type {JudgeContext} from './kinds/kind.ts';
import type {CheckNode, Rule} from './pack.ts';

/** Findings of one rule beyond this are summed up in one more: a bound on what one broken tree can report. */
export const maxFindingsPerRule = 200;

/** A fact that judging needs, with the rules that want it. Equal requests of several rules are one. */
export type WantedFact = {request: FactRequest; rules: string[]};

/** What it takes to know which of these rules speak of this host at all. */
export const applicabilityFacts = (rules: Rule[]): WantedFact[] => gather(rules, rule => appliesWants(rule.applies));

/** What it takes to judge these rules, beyond whether they apply. */
export const judgingFacts = (rules: Rule[]): WantedFact[] => gather(rules, rule => nodeWants(rule.check, rule.id));

/** Whether a rule may speak of this host: only then is it worth looking for what judging it needs. */
export const mayApply = (rule: Rule, facts: Facts): boolean => applicability(rule.applies, facts).state === 'yes';

function gather(rules: Rule[], wants: (rule: Rule) => FactRequest[]): WantedFact[] {
  const wanted = new Map<string, WantedFact>();
  for (const rule of rules) {
    for (const request of wants(rule)) {
      const key = factKey(request);
      const entry = wanted.get(key) ?? {request, rules: []};
      if (entry.rules.at(-1) !== rule.id) entry.rules.push(rule.id);
      wanted.set(key, entry);
    }
  }
  return [...wanted.values()];
}

function nodeWants(node: CheckNode, rule: string): FactRequest[] {
  if ('all' in node) return node.all.flatMap(part => nodeWants(part, rule));
  if ('any' in node) return node.any.flatMap(part => nodeWants(part, rule));
  return node.kind.wants(node.check as never, {rule});
}

/** Judges one rule over facts that were looked up before. Pure but for `clock`, which only measures its own cost. */
export function judgeRule(
  rule: Rule,
  facts: Facts,
  options: {now: number; lookMs: number; clock: () => number},
): Finding[] {
  const started = options.clock();
  const judgements = judgeSafely(rule, facts, {now: options.now, rule: rule.id});
  const costMs = round(options.lookMs + options.clock() - started);
  const head = {
    rule: rule.id,
    pack: rule.pack,
    severity: rule.severity,
    observedAt: new Date(options.now).toISOString(),
  };
  return bounded(judgements).map((judgement, index) =>
    toFinding(judgement, rule, {...head, costMs: index === 0 ? costMs : 0}),
  );
}

type Head = {rule: string; pack: string; severity: Severity; observedAt: string; costMs: number};
type Failure = {subject: string; verdict: 'error'; error: {code: string; message: string}};

function judgeSafely(rule: Rule, facts: Facts, context: JudgeContext): Array<Judgement | Failure> {
  try {
    const applies = applicability(rule.applies, facts);
    if (applies.state !== 'yes') {
      const verdict = applies.state === 'no' ? 'not-applicable' : 'unknown';
      return [{subject: rule.title, verdict, reason: applies.reason}];
    }
    return judgeNode(rule.check, facts, context);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      {
        subject: rule.title,
        verdict: 'error',
        error: {code: 'REEVE_JUDGE_FAILED', message: `cannot judge "${rule.id}": ${message}`},
      },
    ];
  }
}

function judgeNode(node: CheckNode, facts: Facts, context: JudgeContext): Judgement[] {
  if ('all' in node) return joinAll(node.all.map(part => judgeNode(part, facts, context)));
  if ('any' in node) return joinAny(node.any.map(part => judgeNode(part, facts, context)));
  return node.kind.judge(node.check as never, facts, context);
}

const isOpen = (judgement: Judgement) => judgement.verdict === 'unknown';
const isNeutral = (judgement: Judgement) => judgement.verdict === 'not-applicable' || judgement.verdict === 'none';

/** All must hold: failures are reported one by one, then what could not be seen, else one pass over all subjects. */
function joinAll(parts: Judgement[][]): Judgement[] {
  const flat = parts.flat();
  const against = flat.filter(judgement => judgement.verdict === 'fail' || isOpen(judgement));
  if (against.length > 0) return against;
  const passes = flat.filter(judgement => judgement.verdict === 'pass');
  return passes.length > 0 ? [mergeEvidence(passes, 'pass', ' and ')] : mergeNeutral(flat);
}

/** One must hold. What could not be seen might have, so it outweighs failures. */
function joinAny(parts: Judgement[][]): Judgement[] {
  const holding = parts.find(
    part =>
      part.some(judgement => judgement.verdict === 'pass') &&
      part.every(judgement => judgement.verdict === 'pass' || isNeutral(judgement)),
  );
  if (holding !== undefined) return holding.filter(judgement => judgement.verdict === 'pass');
  const flat = parts.flat();
  const open = flat.filter(isOpen);
  if (open.length > 0) return open;
  const failing = flat.filter(judgement => judgement.verdict === 'fail');
  return failing.length > 0 ? [mergeEvidence(failing, 'fail', ' or ')] : mergeNeutral(flat);
}

/** An empty set outweighs not-applicable: the rule's `none:` decides. */
function mergeNeutral(flat: Judgement[]): Judgement[] {
  const none = flat.find(judgement => judgement.verdict === 'none');
  return [none ?? (flat[0] as Judgement)];
}

type Evidence = Extract<Judgement, {verdict: 'pass' | 'fail'}>;

function mergeEvidence(judgements: Judgement[], verdict: 'pass' | 'fail', joint: string): Judgement {
  const evidence = judgements as Evidence[];
  const only = evidence[0] as Evidence;
  if (evidence.length === 1) return only;
  const subjects = [...new Set(evidence.map(({subject}) => subject))];
  const named = evidence.flatMap(part => (subjects.length > 1 ? nameBySubject(part) : part.compared));
  const compared = [...Map.groupBy(named, ({what}) => what).values()].map(same => joinSame(same, joint));
  const cures = [...new Set(evidence.flatMap(({cure}) => cure ?? []))];
  return {
    subject:
      subjects.length > 3
        ? `${subjects.slice(0, 3).join(joint)}${joint}${subjects.length - 3} more`
        : subjects.join(joint),
    verdict,
    compared,
    where: [...new Set(evidence.flatMap(({where}) => where))],
    scope: evidence.every(({scope}) => scope === only.scope) ? only.scope : 'effective',
    ...(cures.length > 0 ? {cure: cures.join(joint === ' or ' ? '; or ' : '; ')} : {}),
  };
}

function nameBySubject({subject, compared}: Evidence): Comparison[] {
  return compared.map(comparison => ({
    ...comparison,
    what: subject.endsWith(comparison.what) ? subject : `${subject}: ${comparison.what}`,
  }));
}

/** Comparisons of one thing with several wishes are one comparison with all of them. */
function joinSame(same: Comparison[], joint: string): Comparison {
  const first = same[0] as Comparison;
  const wishes = [
    ...new Set(same.map(({expected}) => (typeof expected === 'string' ? expected : JSON.stringify(expected)))),
  ];
  const ok = joint === ' or ' ? same.some(comparison => comparison.ok) : same.every(comparison => comparison.ok);
  return wishes.length === 1 ? {...first, ok} : {...first, expected: wishes.join(joint), ok};
}

function bounded(judgements: Array<Judgement | Failure>): Array<Judgement | Failure> {
  if (judgements.length <= maxFindingsPerRule) return judgements;
  const order = ['fail', 'unknown', 'error', 'none', 'pass', 'not-applicable'];
  const sorted = judgements.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const rest = sorted.slice(maxFindingsPerRule - 1);
  const worst = rest[0] as Judgement;
  const subject = `${rest.length} more`;
  const summary: Judgement =
    worst.verdict === 'fail' || worst.verdict === 'pass'
      ? {...worst, subject}
      : {subject, verdict: 'unknown', reason: `${rest.length} more findings of this rule are not listed one by one`};
  return [...sorted.slice(0, maxFindingsPerRule - 1), summary];
}

function toFinding(judgement: Judgement | Failure, rule: Rule, head: Head): Finding {
  const base = {...head, subject: judgement.subject};
  switch (judgement.verdict) {
    case 'error':
      return {...base, verdict: 'error', error: judgement.error};
    case 'unknown':
    case 'not-applicable':
      return {...base, verdict: judgement.verdict, reason: judgement.reason};
    case 'none':
      return emptySet(judgement.reason, rule, base);
    default: {
      const cure = judgement.verdict === 'fail' ? (rule.cure ?? judgement.cure) : undefined;
      return {
        ...base,
        verdict: judgement.verdict,
        expected: columns(judgement.compared, 'expected'),
        actual: columns(judgement.compared, 'actual'),
        wrong: [...new Set(judgement.compared.filter(({ok}) => !ok).map(({what}) => what))],
        where: judgement.where,
        scope: judgement.scope,
        ...(cure === undefined ? {} : {cure}),
      };
    }
  }
}

function emptySet(reason: string, rule: Rule, base: Head & {subject: string}): Finding {
  const verdict = rule.none;
  if (verdict === null) {
    const message = `"${rule.id}" found nothing to judge (${reason}) and says not what that means`;
    return {...base, verdict: 'error', error: {code: 'REEVE_NONE_UNDECLARED', message}};
  }
  if (verdict === 'unknown' || verdict === 'not-applicable') return {...base, verdict, reason};
  return {
    ...base,
    verdict,
    expected: {found: verdict === 'fail' ? 'at least one' : 'none, or as the rule says'},
    actual: {found: `none: ${reason}`},
    wrong: verdict === 'fail' ? ['found'] : [],
    where: [],
    scope: 'effective',
    ...(verdict === 'fail' && rule.cure !== null ? {cure: rule.cure} : {}),
  };
}

function columns(compared: Comparison[], side: 'expected' | 'actual'): {[what: string]: Json} {
  return Object.fromEntries(compared.map(comparison => [comparison.what, comparison[side]]));
}

const round = (ms: number) => Math.round(ms * 1000) / 1000;

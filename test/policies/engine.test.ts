import test from 'ava';
import * as Type from 'typebox';
import {judgeRule, maxFindingsPerRule} from '../../policies/engine.ts';
import type {Judgement} from '../../policies/finding.ts';
import {defineKind} from '../../policies/kinds/kind.ts';
import type {CheckNode, Rule} from '../../policies/pack.ts';

/** A kind that says what it is told: what is under test is how the engine joins judgements. */
function says(...judgements: Judgement[]): CheckNode {
  const kind = defineKind({
    name: 'says',
    summary: 'Says what it is told.',
    schema: Type.Object({}),
    canBeEmpty: () => true,
    wants: () => [],
    judge: () => judgements,
    flips: () => [],
    looks: () => '',
    wanted: () => '',
  });
  return {kind, check: {}};
}

const evidence = (subject: string, ok: boolean): Judgement => ({
  subject,
  verdict: ok ? 'pass' : 'fail',
  compared: [{what: 'value', expected: 'x', actual: ok ? 'x' : 'y', ok}],
  where: [`/etc/${subject}`],
  scope: 'persistent',
});
const pass = says(evidence('p', true));
const fail = says(evidence('f', false));
const unknown = says({subject: 'u', verdict: 'unknown', reason: 'permission denied'});
const none = says({subject: 'n', verdict: 'none', reason: 'there is no such file'});
const elsewhere = says({subject: 'e', verdict: 'not-applicable', reason: 'an image'});

function judge(check: CheckNode, changes: Partial<Rule> = {}) {
  const rule: Rule = {
    id: 'demo.rule',
    pack: 'demo',
    area: 'demo',
    title: 'A rule',
    why: '',
    severity: 'low',
    refs: {},
    applies: [],
    check,
    none: 'pass',
    cure: null,
    where: 'demo.yaml:1',
    ...changes,
  };
  const facts = {
    get: () => {
      throw new Error('no facts here');
    },
  };
  return judgeRule(rule, facts, {now: 0, lookMs: 2, clock: () => 0});
}

const rows: Array<[string, CheckNode, string[]]> = [
  ['all of pass and pass', {all: [pass, pass]}, ['pass']],
  ['all of pass and fail', {all: [pass, fail]}, ['fail']],
  ['all of pass and unknown', {all: [pass, unknown]}, ['unknown']],
  ['all of fail and unknown', {all: [fail, unknown]}, ['fail', 'unknown']],
  ['all of pass and not-applicable', {all: [pass, elsewhere]}, ['pass']],
  ['all of not-applicable and an empty set', {all: [elsewhere, none]}, ['pass']],
  ['all of not-applicable', {all: [elsewhere, elsewhere]}, ['not-applicable']],
  ['any of fail and pass', {any: [fail, pass]}, ['pass']],
  ['any of fail and fail', {any: [fail, fail]}, ['fail']],
  ['any of fail and unknown', {any: [fail, unknown]}, ['unknown']],
  ['any of unknown and pass', {any: [unknown, pass]}, ['pass']],
  ['any of fail and not-applicable', {any: [fail, elsewhere]}, ['fail']],
  [
    'any where one part holds for one subject only',
    {any: [says(evidence('a', true), evidence('b', false)), fail]},
    ['fail'],
  ],
  ['any inside all', {all: [{any: [fail, pass]}, pass]}, ['pass']],
];

for (const [title, check, verdicts] of rows) {
  test(`judgeRule() on ${title} says ${verdicts.join(' and ')}`, t => {
    t.deepEqual(
      judge(check).map(({verdict}) => verdict),
      verdicts as never,
    );
  });
}

test('judgeRule() puts the verdict of none: in place of an empty set', t => {
  for (const verdict of ['pass', 'fail', 'unknown', 'not-applicable'] as const)
    t.is(judge(none, {none: verdict})[0]?.verdict, verdict);
  t.is(judge(none, {none: null})[0]?.verdict, 'error');
});

test('judgeRule() makes a kind that throws an error finding, not a crash', t => {
  const kind = {
    ...(pass as Extract<CheckNode, {kind: unknown}>).kind,
    judge: () => {
      throw new TypeError('x is undefined');
    },
  };
  t.like(judge({kind, check: {}})[0], {
    verdict: 'error',
    error: {code: 'REEVE_JUDGE_FAILED', message: 'cannot judge "demo.rule": x is undefined'},
  });
});

test('judgeRule() names the subject of each comparison that any and all joined', t => {
  const [finding] = judge({any: [says(evidence('a', false)), says(evidence('b', false))]});
  t.like(finding, {subject: 'a or b', actual: {'a: value': 'y', 'b: value': 'y'}, where: ['/etc/a', '/etc/b']});
});

test('judgeRule() joins what any and all want of one thing', t => {
  const wants = (expected: string) =>
    says({
      subject: 's',
      verdict: 'fail',
      compared: [{what: 'value', expected, actual: 'z', ok: false}],
      where: [],
      scope: 'persistent',
    });
  const [finding] = judge({any: [wants('x'), wants('y')]});
  t.like(finding, {subject: 's', actual: {value: 'z'}, expected: {value: 'x or y'}, wrong: ['value']});
});

test('judgeRule() sums up findings beyond its limit, failures first', t => {
  const many = Array.from({length: 500}, (_, index) => evidence(`s${index}`, index < 10));
  const findings = judge(says(...many));
  t.is(findings.length, maxFindingsPerRule);
  t.is(findings.filter(({verdict}) => verdict === 'fail').length, maxFindingsPerRule);
  t.is(findings.at(-1)?.subject, '301 more');
});

test('judgeRule() counts the cost of looking once for all findings of the rule', t => {
  const findings = judge(says(evidence('a', false), evidence('b', false)));
  t.deepEqual(
    findings.map(({costMs}) => costMs),
    [2, 0],
  );
});

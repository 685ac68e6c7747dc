import {execFileSync} from 'node:child_process';
import test from 'ava';
import {formats} from '../../../agent/report/index.ts';
import type {Report} from '../../../agent/report/report.ts';
import type {Finding} from '../../../policies/finding.ts';
import {countRules} from '../../../policies/summary.ts';
import {failing} from '../../helpers/finding.ts';
import {ruleOf} from '../../helpers/rule.ts';

const hostile = '/srv/\u001b[2J]]>"<b>|`x`\u202e\udcff';

function report(findings: Finding[]): Report {
  const rule = {
    ...ruleOf('file', {path: '/x', exists: true}),
    id: 'files.shadow',
    title: 'Only root reads shadow',
    refs: {nist_800_53: ['AC-6']},
  };
  return {
    schema: 'reeve.report/1',
    reeve: '1.0.0',
    host: {name: 'web1', os: 'Debian GNU/Linux 12', root: '/', live: true, privileged: true},
    startedAt: '2026-11-21T12:00:00.000Z',
    durationMs: 1234,
    packs: [{name: 'demo', version: '1.0.0', title: 'Demo', digest: 'd', rules: countRules(findings)}],
    rules: new Map([[rule.id, rule]]),
    findings,
    notes: [],
  };
}

const head = {
  rule: 'files.shadow',
  pack: 'demo',
  severity: 'high',
  observedAt: '2026-11-21T12:00:00.000Z',
  costMs: 1,
} as const;
const findings: Finding[] = [
  failing('files.shadow', hostile),
  {...head, rule: 'files.fifo', subject: 'fifo', verdict: 'unknown', reason: 'cannot read x: permission denied'},
  {
    ...head,
    rule: 'files.waived',
    subject: '/etc/w',
    verdict: 'waived',
    expected: {mode: 'a'},
    actual: {mode: 'b'},
    wrong: ['mode'],
    where: ['/etc/w:3'],
    scope: 'persistent',
    waiver: {id: 'W-1', owner: 'ops', approvedBy: 'ciso', reason: 'agreed', expires: '2027-01-01T00:00:00Z'},
  },
  {...head, rule: 'files.image', subject: 'image', verdict: 'not-applicable', reason: 'an image'},
  {
    ...head,
    rule: 'files.bug',
    subject: 'bug',
    verdict: 'error',
    error: {code: 'REEVE_JUDGE_FAILED', message: 'x is undefined'},
  },
  failing('files.ok', '/etc/ok', {verdict: 'pass', wrong: []}),
];

const options = {columns: 80, colour: false, all: true};
const render = (name: string) => (formats[name] as NonNullable<(typeof formats)[string]>)(report(findings), options);

for (const name of Object.keys(formats)) {
  test(`${name} lets nothing of the host reach a terminal raw`, t => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    t.notRegex(render(name), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    t.true(render(name).isWellFormed());
    t.true(
      render(name).includes('x1b[2J') || render(name).includes('x1b\\[2J'),
      'the subject itself must still be there',
    );
  });
}

test('table fits 80 columns and says found, wanted and cure', t => {
  const text = formats.table?.(report([failing('files.shadow', '/etc/shadow')]), options) ?? '';
  t.true(text.split('\n').every(line => line.length <= 80));
  t.regex(
    text,
    /FAIL {4}high {5}files\.shadow\n {8}Only root reads shadow\n {8}\/etc\/shadow\n {8}found {3}mode 0644\n {8}wanted {2}mode at most 0640\n {8}cure {4}chmod o-r \/etc\/shadow\n/,
  );
});

test('table breaks long texts at 80 columns and loses no word', t => {
  const cure = Array.from({length: 40}, (_, index) => `word${index}`).join(' ');
  const text = formats.table?.(report([failing('files.shadow', '/etc/shadow', {cure})]), options) ?? '';
  t.true(text.split('\n').every(line => line.length <= 80));
  t.true(text.replace(/\s+/g, ' ').includes(`cure ${cure}`));
});

test('table shows the first members of a long list, and how many more there are', t => {
  const members = Array.from({length: 20}, (_, index) => `p${index}`);
  const text = formats.table?.(report([failing('files.shadow', '/x', {actual: {mode: members}})]), options) ?? '';
  t.regex(text, /found {3}mode p0, p1, p2, p3, p4, p5 and 14 more\n/);
  t.is(
    JSON.parse(formats.json?.(report([failing('files.shadow', '/x', {actual: {mode: members}})]), options) ?? '')
      .findings[0].actual.mode.length,
    20,
  );
});

test('table adds up what a kind and the table leave out of a list', t => {
  const members = [...Array.from({length: 9}, (_, index) => `p${index}`), '11 more'];
  const text = formats.table?.(report([failing('files.shadow', '/x', {actual: {mode: members}})]), options) ?? '';
  t.regex(text, /mode p0, p1, p2, p3, p4, p5 and 14 more\n/);
});

test('table without --all leaves out what passes, and counts it', t => {
  const text = formats.table?.(report(findings), {...options, all: false}) ?? '';
  t.notRegex(text, /files\.ok/);
  t.regex(text, /demo 1\.0\.0 +1 +1 +1 +1 +1 +1/);
});

test('json keeps expected and actual under the same keys', t => {
  const document = JSON.parse(render('json'));
  t.is(document.schema, 'reeve.report/1');
  for (const finding of document.findings)
    if ('actual' in finding) t.deepEqual(Object.keys(finding.actual), Object.keys(finding.expected));
  t.is(document.rules['files.shadow'].title, 'Only root reads shadow');
});

test('junit is well-formed XML whose counts are right', t => {
  const xml = render('junit');
  const counts = execFileSync(
    'python3',
    [
      '-c',
      'import sys,xml.dom.minidom as m; s=m.parseString(sys.stdin.buffer.read()).getElementsByTagName("testsuite")[0]; print(*[s.getAttribute(a) for a in ("tests","failures","errors","skipped")], len(s.getElementsByTagName("testcase")))',
    ],
    {input: xml, encoding: 'utf8'},
  );
  t.is(counts.trim(), '6 1 2 2 6');
});

test('sarif gives each verdict its kind, and suppresses what is waived', t => {
  const {runs} = JSON.parse(render('sarif'));
  t.deepEqual(
    runs[0].results.map((result: {kind: string}) => result.kind),
    ['fail', 'review', 'fail', 'notApplicable', 'review', 'pass'],
  );
  t.like(runs[0].results[2], {
    suppressions: [{status: 'accepted'}],
    locations: [{physicalLocation: {artifactLocation: {uri: 'file:///etc/w'}, region: {startLine: 3}}}],
  });
  for (const result of runs[0].results) t.is(runs[0].tool.driver.rules[result.ruleIndex].id, result.ruleId);
});

test('ocsf is one compliance finding a line', t => {
  const events = render('ocsf')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.is(events.length, findings.length);
  t.deepEqual(
    events.map(event => event.compliance.status_id),
    [3, 0, 2, 99, 99, 1],
  );
  t.true(events.every(event => event.class_uid === 2003 && event.type_uid === 200_301));
});

test('markdown keeps a hostile subject inside its cell', t => {
  const row = render('markdown')
    .split('\n')
    .find(line => line.startsWith('| high') && line.includes('srv')) as string;
  t.is(row.match(/(?<!\\)\|/g)?.length, 6);
  t.notRegex(row, /<b>|(?<!\\)`/);
});

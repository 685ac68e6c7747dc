import test from 'ava';
import {changeLines, isNews} from '../../../agent/up/changes.ts';
import {readLogLine} from '../../../agent/up/log-line.ts';
import type {ChangeInfo} from '../../../controller/protocol/api.ts';

const change: ChangeInfo = {
  host: 'a',
  hostName: 'web1',
  epoch: 1,
  n: 7,
  rule: 'files.shadow',
  subject: '/etc/shadow',
  before: 'pass',
  after: 'fail',
  finding: {
    rule: 'files.shadow',
    pack: 'linux-baseline',
    severity: 'critical',
    subject: '/etc/shadow',
    verdict: 'fail',
    expected: {mode: 'at most 0640'},
    actual: {mode: '0644'},
    wrong: ['mode'],
    where: [],
    scope: 'persistent',
  },
  observedAt: '2026-11-21T10:00:00.000Z',
  receivedAt: '2026-11-21T10:00:01.000Z',
};
const plain = (_style: unknown, text: string) => text;

test('changeLines() says what it is now, what was found and wanted, and what it was', t => {
  const [head, ...rest] = changeLines(change, 80, plain);
  t.regex(head as string, /^\d\d:\d\d:\d\d FAIL {4}files\.shadow, was pass$/);
  t.deepEqual(rest, ['         /etc/shadow', '         mode: found 0644, wanted at most 0640']);
});

test('changeLines() says of a finding that is gone, and of one that is new, so', t => {
  t.regex(
    changeLines({...change, after: null, finding: null}, 80, plain)[0] as string,
    /GONE {4}files\.shadow, was pass$/,
  );
  t.regex(changeLines({...change, before: null}, 80, plain)[0] as string, /FAIL {4}files\.shadow, was not there$/);
});

test('changeLines() says of what passes only that it does', t => {
  const pass = {...change, before: 'fail', after: 'pass'} as const;
  t.deepEqual(changeLines(pass, 80, plain).slice(1), ['         /etc/shadow']);
});

test('isNews() leaves out what passes as before', t => {
  t.true(isNews(change));
  t.true(isNews({...change, before: 'fail', after: 'fail'}));
  t.true(isNews({...change, before: null, after: 'pass'}));
  t.false(isNews({...change, before: 'pass', after: 'pass'}));
});

test('changeLines() writes out what could steer a terminal', t => {
  const lines = changeLines({...change, subject: '/tmp/\u001b[2Jx'}, 80, plain);
  t.is(lines[1], '         /tmp/\\x1b[2Jx');
});

const rows: Array<[string, {text: string; matters: boolean}]> = [
  ['{"at":"x","level":"info","part":"link","message":"ready"}', {text: 'ready', matters: false}],
  [
    '{"level":"warning","part":"link","message":"away","code":"BUSY","ms":5}',
    {text: 'away (code BUSY, ms 5)', matters: true},
  ],
  ['Error: something', {text: 'Error: something', matters: true}],
  ['"text"', {text: '"text"', matters: true}],
];
for (const [line, wanted] of rows) {
  test(`readLogLine() reads ${line}`, t => {
    t.deepEqual(readLogLine(line), wanted);
  });
}

import test from 'ava';
import {type Evidence, type KeptChange, reckon} from '../../../bench/faults/reckoning.ts';
import type {WireFinding} from '../../../controller/protocol/batch.ts';

const path = '/srv/files/0';
const finding = (mode: string): WireFinding => ({
  rule: 'files.0',
  pack: 'files',
  severity: 'low',
  subject: path,
  verdict: mode <= '0640' ? 'pass' : 'fail',
  actual: {mode},
});
/** The kept changes of a file that was seen with these modes, numbered from 1. */
const kept = (...modes: string[]): KeptChange[] =>
  modes.map((mode, index) => {
    const before = modes[index - 1];
    return {
      epoch: 1,
      n: index + 1,
      rule: 'files.0',
      subject: path,
      before: before === undefined ? null : finding(before).verdict,
      after: finding(mode).verdict,
      finding: finding(mode),
    };
  });

/** A run in which all went well: four modes, of which one was never seen. */
const sound: Evidence = {
  history: new Map([[path, ['0600', '0777', '0644', '0640']]]),
  disk: new Map([[path, '0640']]),
  agent: {at: {epoch: 1, n: 3}, findings: [finding('0640')]},
  controller: {at: {epoch: 1, n: 3}, findings: [finding('0640')], changes: kept('0600', '0644', '0640')},
};
const none = {numbered: 3, lost: 0, doubled: 0, misplaced: 0, different: 0};
const counts = (evidence: Evidence) => {
  const {problems, ...rest} = reckon(evidence);
  return rest;
};

test('reckon() finds nothing wrong where states were skipped but none invented', t => {
  t.deepEqual(counts(sound), none);
});

test('reckon() lets one step end several findings', t => {
  const ended = (subject: string): KeptChange => ({
    epoch: 1,
    n: 9,
    rule: 'files.0',
    subject,
    before: 'pass',
    after: null,
    finding: null,
  });
  const changes = [...sound.controller.changes, ended('/gone/1'), ended('/gone/2')];
  t.deepEqual(counts(controller({changes})), none);
});

const controller = (changed: Partial<Evidence['controller']>): Evidence => ({
  ...sound,
  controller: {...sound.controller, ...changed},
});
const wrong: Array<[title: string, evidence: Evidence, counted: Partial<typeof none>]> = [
  ['a number that did not arrive', controller({at: {epoch: 1, n: 1}}), {lost: 2}],
  ['a stream of which nothing arrived', controller({at: null}), {lost: 3}],
  ['another stream', controller({at: {epoch: 2, n: 3}}), {lost: 3}],
  [
    'a number that was kept twice',
    controller({changes: [...kept('0600', '0644'), {...kept('0600', '0644', '0640')[2], n: 2} as KeptChange]}),
    {doubled: 1},
  ],
  ['a change that changes nothing', controller({changes: kept('0600', '0644', '0644', '0640')}), {doubled: 1}],
  ['changes in an order that never was', controller({changes: kept('0644', '0777', '0640')}), {misplaced: 1}],
  ['a mode that never was', controller({changes: kept('0600', '0601', '0640')}), {misplaced: 1}],
  [
    'a verdict that does not follow on the one before',
    controller({changes: kept('0600', '0777', '0640').filter(({n}) => n !== 2)}),
    {misplaced: 1},
  ],
  ['another finding at the controller', controller({findings: [finding('0644')]}), {different: 1}],
  ['a finding that the controller lacks', controller({findings: []}), {different: 1}],
  [
    'a finding that only the controller has',
    controller({findings: [finding('0640'), {...finding('0640'), subject: '/srv/files/1'}]}),
    {different: 1},
  ],
  ['a file that both missed', {...sound, disk: new Map([[path, '0600']])}, {different: 1}],
];
for (const [title, evidence, counted] of wrong)
  test(`reckon() counts ${title}`, t => {
    t.deepEqual(counts(evidence), {...none, ...counted});
    t.true(reckon(evidence).problems.length > 0);
  });

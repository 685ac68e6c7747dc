import test from 'ava';
import {Gate} from '../../../../agent/daemon/checks/gate.ts';
import {TestClocks} from '../../../helpers/clocks.ts';

function gated({all = {burst: 100, everyMs: 1}, each = {burst: 2, everyMs: 30_000}} = {}) {
  const clocks = new TestClocks('2026-03-02T10:30:00');
  const opened: string[][] = [];
  return {clocks, opened, gate: new Gate(clocks, {each, all}, keys => opened.push(keys))};
}

test('Gate: what comes seldom passes at once', t => {
  const {clocks, opened, gate} = gated();
  for (let change = 0; change < 5; change++) {
    gate.push(['a']);
    clocks.pass(30_000);
  }
  t.is(opened.length, 5);
});

test('Gate: a storm passes as often as its rate, and its last change is let through after it', t => {
  const {clocks, opened, gate} = gated();
  for (let change = 0; change < 10_000; change++) {
    gate.push(['a']);
    clocks.pass(10);
  }
  const during = opened.length;
  t.true(during >= 4 && during <= 6, `${during} in 100 s`);
  gate.push(['a']);
  clocks.pass(60_000);
  t.is(opened.length, during + 1);
  clocks.pass(600_000);
  t.is(opened.length, during + 1);
});

test('Gate: a storm of one key holds up no other', t => {
  const {opened, gate} = gated();
  for (let change = 0; change < 100; change++) gate.push(['a']);
  gate.push(['b']);
  t.deepEqual(opened.at(-1), ['b']);
});

test('Gate: many keys together keep to the common rate, and none is lost', t => {
  const {clocks, opened, gate} = gated({all: {burst: 3, everyMs: 1000}});
  for (let key = 0; key < 50; key++) gate.push([`key-${key}`]);
  t.is(opened.length, 3);
  clocks.pass(10_000);
  t.is(new Set(opened.flat()).size, 50);
  t.is(opened.length, 4);
});

test('Gate: nothing passes after stop()', t => {
  const {clocks, opened, gate} = gated({each: {burst: 1, everyMs: 1000}});
  gate.push(['a']);
  gate.push(['a']);
  gate.stop();
  clocks.pass(10_000);
  t.is(opened.length, 1);
});

import test from 'ava';
import {Again} from '../../../../agent/daemon/checks/again.ts';
import {TestClocks} from '../../../helpers/clocks.ts';

function made(longestMs = 8000) {
  const clocks = new TestClocks('2026-03-02T10:30:00');
  const due: string[][] = [];
  return {clocks, due, again: new Again(clocks, longestMs, keys => due.push(keys))};
}

test('Again: waits twice as long each time, up to the longest, whatever the clock of the wall does', t => {
  const {clocks, due, again} = made();
  for (const waitMs of [1000, 2000, 4000, 8000, 8000]) {
    again.later('a', 1000);
    clocks.set('2031-01-01T00:00:00');
    clocks.pass(waitMs - 1);
    t.deepEqual(due, []);
    clocks.pass(1);
    t.deepEqual(due.splice(0), [['a']]);
    clocks.pass(60_000);
    t.deepEqual(due, []);
  }
});

test('Again: what is over begins with the first wait anew, and what is cleared is not told', t => {
  const {clocks, due, again} = made();
  again.later('a', 1000);
  clocks.pass(1000);
  again.over('a');
  again.later('a', 1000);
  again.later('b', 1000);
  clocks.pass(1000);
  t.deepEqual(due.splice(0), [['a'], ['a', 'b']]);
  again.later('a', 1000);
  again.clear();
  clocks.pass(60_000);
  t.deepEqual(due, []);
});

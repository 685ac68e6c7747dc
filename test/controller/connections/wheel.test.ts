import test from 'ava';
import {Bucket} from '../../../controller/connections/bucket.ts';
import {Wheel} from '../../../controller/connections/wheel.ts';

/** A wheel on a clock of the test; `advance` is what its timer calls. */
function wheelAt(t: {teardown(end: () => void): void}) {
  let now = 0;
  const wheel = new Wheel(() => now);
  t.teardown(() => wheel.stop());
  return {
    wheel,
    to(ms: number) {
      now = ms;
      wheel.advance();
    },
  };
}

test('Wheel calls a turn when its time has come, never before, and again as it says', t => {
  const {wheel, to} = wheelAt(t);
  const calls: number[] = [];
  wheel.set(now => {
    calls.push(now);
    return calls.length < 3 ? 10_000 : null;
  }, 5_000);
  for (let at = 500; at <= 60_000; at += 500) to(at);
  t.deepEqual(calls, [5_000, 15_000, 25_000]);
});

test('Wheel takes times beyond its ring, moves a turn, and forgets one', t => {
  const {wheel, to} = wheelAt(t);
  const calls: string[] = [];
  const turn = (name: string) => (now: number) => {
    calls.push(`${name} ${now}`);
    return null;
  };
  wheel.set(turn('far'), 300_000);
  const moved = turn('moved');
  wheel.set(moved, 1_000);
  wheel.set(moved, 2_000);
  const removed = turn('removed');
  wheel.set(removed, 1_000);
  wheel.remove(removed);
  for (let at = 500; at <= 400_000; at += 500) to(at);
  t.deepEqual(calls, ['moved 2000', 'far 300000']);
});

test('Wheel calls every turn that is due after the machine slept, once', t => {
  const {wheel, to} = wheelAt(t);
  let calls = 0;
  for (let at = 1_000; at <= 100_000; at += 1_000) {
    wheel.set(() => {
      calls++;
      return null;
    }, at);
  }
  to(3_600_000);
  t.is(calls, 100);
});

test('Bucket lets a burst through, and then so many a second', t => {
  const bucket = new Bucket(2, 4, 0);
  const taken = (now: number) => Array.from({length: 10}, () => bucket.take(now)).filter(Boolean).length;
  t.is(taken(0), 4);
  t.is(taken(0), 0);
  t.is(taken(1_000), 2);
  t.is(taken(60_000), 4);
  t.is(bucket.spend(2, 60_000), 1_000);
  t.is(bucket.spend(1, 62_000), 0);
});

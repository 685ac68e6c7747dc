import test from 'ava';
import {Backoff, type Ended, OncePer} from '../../../agent/link/connection/backoff.ts';
import {LinkProblem, type ProblemCode} from '../../../agent/link/problem.ts';

const failed = (code: ProblemCode = 'TCP_REFUSED', retryAfterMs: number | null = null): Ended => ({
  problem: new LinkProblem(code, 'x', {retryAfterMs}),
  openMs: null,
  spreadMs: 0,
  drainMs: null,
});
const lost = (openMs: number, more: Partial<Ended> = {}): Ended => ({
  ...failed('CLOSED'),
  openMs,
  spreadMs: 20_000,
  ...more,
});
const most = () => 0.999_999;

test('Backoff waits a random part of 2^n seconds, and at most five minutes', t => {
  const backoff = new Backoff(most);
  const delays = Array.from({length: 12}, () => Math.round(backoff.delayAfter(failed()) / 1000));
  t.deepEqual(delays, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
  t.is(new Backoff(() => 0).delayAfter(failed()), 0);
});

test('Backoff waits a random part of the spread after a healthy connection', t => {
  t.is(Math.round(new Backoff(most).delayAfter(lost(60_000))), 20_000);
  t.is(new Backoff(() => 0.25).delayAfter(lost(3_600_000)), 5_000);
});

test('Backoff starts to count anew only after 60 s of a healthy connection', t => {
  const backoff = new Backoff(most);
  for (let n = 0; n < 6; n++) backoff.delayAfter(failed());
  t.is(Math.round(backoff.delayAfter(lost(59_999))), 128_000);
  backoff.delayAfter(lost(60_000));
  t.is(Math.round(backoff.delayAfter(failed())), 2_000);
});

test('Backoff does not let a controller that takes us and ends at once be tried in a loop', t => {
  const backoff = new Backoff(most);
  const ended = lost(10, {spreadMs: 0, drainMs: 0});
  const delays = Array.from({length: 4}, () => Math.round(backoff.delayAfter(ended)));
  t.deepEqual(delays, [2000, 4000, 8000, 16_000]);
});

test('Backoff waits as long as a drain, a 503 or an error said', t => {
  t.is(new Backoff(() => 0).delayAfter(lost(60_000, {drainMs: 7_000})), 7_000);
  t.is(new Backoff(() => 0).delayAfter(failed('BUSY', 90_000)), 90_000);
});

for (const code of ['UNAUTHENTICATED', 'HOST_UNKNOWN', 'HOST_FROZEN', 'VERSION', 'STREAM_REPLAYED'] as const)
  test(`Backoff waits longest after ${code}, since a person has to act`, t => {
    t.is(new Backoff(() => 0).delayAfter(failed(code)), 300_000);
  });

test('OncePer lets one pass an interval of the monotonic clock', t => {
  let now = 0;
  const once = new OncePer({monotonic: () => now, wall: () => 0, after: () => () => {}}, 1000);
  t.deepEqual([once.pass(), once.pass()], [true, false]);
  now = 999;
  t.false(once.pass());
  now = 1000;
  t.true(once.pass());
});

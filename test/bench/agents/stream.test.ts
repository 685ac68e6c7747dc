import {generateKeyPairSync} from 'node:crypto';
import test from 'ava';
import {BackOff} from '../../../bench/agents/back-off.ts';
import {SimulatedStream} from '../../../bench/agents/stream.ts';
import type {Batch, WireFinding} from '../../../controller/protocol/batch.ts';
import {openBatch} from '../../../controller/protocol/codec.ts';
import {findingDigest, SetDigest} from '../../../controller/protocol/set-digest.ts';

const agent = '6f2c1a52-0d2b-4b1e-9a61-0d7a4c6b8f10';
const {privateKey, publicKey} = generateKeyPairSync('ed25519');
const finding = (index: number): WireFinding => ({
  rule: `rule.${index}`,
  pack: 'simulated',
  severity: 'low',
  subject: '/etc/passwd',
  verdict: 'pass',
});
const findings = (count: number) => Array.from({length: count}, (_, index) => finding(index));

/** What a controller would have after these batches; throws when one is not right or does not follow. */
function applied(stream: SimulatedStream): {digest: string; batches: Batch[]} {
  const set = new Map<string, WireFinding>();
  const batches = stream.unacknowledged.map(sealed => {
    const opened = openBatch(sealed, agent, publicKey);
    if (!opened.ok) throw new Error(opened.reason);
    return opened.value;
  });
  for (const [index, {from, items}] of batches.entries()) {
    if (from !== (batches[index - 1]?.to ?? 0) + 1) throw new Error(`a hole before ${from}`);
    for (const item of items) if (item.t === 'set') set.set(item.f.rule, item.f);
  }
  const digest = new SetDigest();
  for (const value of set.values()) digest.add(findingDigest(value));
  return {digest: digest.toString(), batches};
}

test('SimulatedStream seals batches that open, follow each other and give its digest', t => {
  const stream = new SimulatedStream(agent, privateKey);
  stream.replace(findings(600));
  stream.change(3);
  const {digest, batches} = applied(stream);
  t.is(digest, stream.digest);
  t.is(batches.at(-1)?.items.length, 3);
  t.deepEqual(stream.at, {epoch: 1, n: 605});
});

test('SimulatedStream.meet() keeps what is not stored, and starts a higher epoch when the controller is elsewhere', t => {
  const stream = new SimulatedStream(agent, privateKey);
  stream.replace(findings(10));
  stream.change(1);
  stream.meet({epoch: 1, n: 12});
  t.deepEqual(
    stream.unacknowledged.map(({from, to}) => [from, to]),
    [[13, 13]],
  );
  stream.meet({epoch: 1, n: 4});
  t.deepEqual(stream.at, {epoch: 2, n: 12}, 'a hole');
  stream.acknowledge(stream.at);
  stream.meet({epoch: 7, n: 1});
  t.deepEqual(stream.at, {epoch: 8, n: 12}, 'a stream ahead');
  t.is(applied(stream).digest, stream.digest);
});

test('BackOff waits a part of the spread, then longer after each failure, and longest where a person has to act', t => {
  const backOff = new BackOff(() => 1);
  const lost = (now: number) => backOff.lost(now, {retry: true, leastMs: 0});
  backOff.opened(0, 700);
  t.is(lost(61_000), 700);
  t.deepEqual([lost(62_000), lost(63_000)], [2000, 4000]);
  backOff.opened(70_000, 700);
  t.is(lost(80_000), 8000, 'ten seconds are no healthy connection');
  t.is(backOff.lost(81_000, {retry: true, leastMs: 5000}), 21_000);
  t.is(backOff.lost(82_000, {retry: false, leastMs: 0}), 300_000);
  for (let index = 0; index < 20; index++) lost(90_000);
  t.is(lost(90_000), 300_000);
  backOff.opened(100_000, 700);
  t.is(lost(160_000), 700);
});

import test from 'ava';
import {findingDigest, SetDigest} from '../../../controller/protocol/set-digest.ts';
import {seeded} from '../../helpers/random.ts';

const finding = (subject: string, verdict: 'pass' | 'fail' = 'pass') => ({
  rule: 'a.b',
  pack: 'p',
  severity: 'low' as const,
  subject,
  verdict,
});

test('SetDigest is the same for the same set, in whatever order it came to be', t => {
  const below = seeded(7);
  const one = new SetDigest();
  const two = new SetDigest();
  const digests = Array.from({length: 200}, (_, index) => findingDigest(finding(`s${index}`)));
  for (const digest of digests) one.add(digest);
  for (const digest of digests.toSorted(() => below(2) - 0.5)) two.add(digest);
  t.is(one.toString(), two.toString());
  t.regex(one.toString(), /^[0-9a-f]{64}$/);
  two.remove(digests[3] as string);
  t.not(one.toString(), two.toString());
  two.add(digests[3] as string);
  t.is(one.toString(), two.toString());
});

test('SetDigest goes on from its text, and comes back to the empty set', t => {
  const digest = findingDigest(finding('x'));
  const first = new SetDigest();
  first.add(digest);
  const second = new SetDigest(first.toString());
  second.remove(digest);
  t.is(second.toString(), new SetDigest().toString());
  t.is(second.toString(), '0'.repeat(64));
});

test('findingDigest() is the same after JSON was read and written again', t => {
  const odd = {
    ...finding('\ud800 lone, \u2028 and "quotes"', 'fail'),
    expected: {'10': 'ten', '9': 'nine', b: -0, a: [1e21, 0.1, null]},
    actual: JSON.parse('{"__proto__": 1, "z": {"2": 1, "1": 2}}'),
  };
  t.is(findingDigest(JSON.parse(JSON.stringify(odd))), findingDigest(odd));
  t.not(findingDigest(finding('x', 'fail')), findingDigest(finding('x')));
});

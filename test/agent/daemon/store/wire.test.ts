import test from 'ava';
import {toWire} from '../../../../agent/daemon/store/wire.ts';
import {wireFinding} from '../../../../controller/protocol/batch.ts';
import {parseJson} from '../../../../controller/protocol/codec.ts';
import {limits} from '../../../../controller/protocol/limits.ts';
import {hasShape} from '../../../../controller/protocol/shape.ts';
import type {Finding} from '../../../../policies/finding.ts';
import type {Json} from '../../../../policies/json.ts';
import {passing} from '../../../helpers/agent.ts';
import {seeded} from '../../../helpers/random.ts';

const pieces = [
  'a',
  'ü',
  '漢',
  '\u{1f600}',
  '\ud800',
  '\udfff',
  '\u0000',
  '\u001b',
  '"',
  '\\',
  '/etc/passwd',
  '__proto__',
  '7',
];

/** Findings of every verdict and of sizes from nothing to far over every limit. */
function generated(below: (limit: number) => number): Finding {
  const text = (most = 5) => {
    const length = [0, 3, 40, 400, 5000][below(most)] as number;
    const piece = pieces[below(pieces.length)] as string;
    return below(2) === 0 ? piece.repeat(length) : Array.from({length}, () => pieces[below(pieces.length)]).join('');
  };
  const value = (depth: number): Json => {
    const kind = below(depth > 20 ? 4 : 6);
    if (kind < 4) return [text(below(20) === 0 ? 5 : 3), below(2) === 0, below(1e9) / 7, null][kind] as Json;
    const length = [0, 1, 4, 60][below(depth === 0 ? 4 : 3)] as number;
    if (kind === 4) return Array.from({length}, () => value(depth + 1));
    return Object.fromEntries(Array.from({length}, () => [text(3), value(depth + 1)]));
  };
  const list = () => Array.from({length: [0, 2, 30, 250][below(4)] as number}, () => text(4));
  const values = () =>
    Object.fromEntries(Array.from({length: [1, 3, 250][below(3)] as number}, () => [text(3), value(0)]));
  const verdict = (['pass', 'fail', 'waived', 'not-applicable', 'unknown', 'error'] as const)[below(6)];
  const head = {
    rule: `r${text()}`,
    pack: `p${text()}`,
    severity: 'high',
    subject: text(),
    observedAt: '2026-01-01T00:00:00Z',
    costMs: 1,
  } as const;
  if (verdict === 'error') return {...head, verdict, error: {code: text(), message: text()}};
  if (verdict === 'unknown' || verdict === 'not-applicable') return {...head, verdict, reason: text()};
  const waiver = {id: text(), owner: text(), approvedBy: text(), reason: text(), expires: text()};
  const actual = values();
  const wrong = Object.keys(actual).slice(-2);
  return {
    ...head,
    verdict: verdict ?? 'fail',
    expected: values(),
    actual,
    wrong,
    where: list(),
    scope: 'effective',
    cure: text(),
    waiver,
  };
}

test('toWire() always gives a finding of the schema, of its size, that reads back as it was', t => {
  const below = seeded(3);
  let cutCount = 0;
  for (let count = 0; count < 600; count++) {
    const wire = toWire(generated(below));
    const json = JSON.stringify(wire);
    if (json.includes('…')) cutCount++;
    if (!hasShape(wireFinding, wire)) return t.fail(`not of the schema: ${json}`);
    if (Buffer.byteLength(json) > limits.finding) return t.fail(`${Buffer.byteLength(json)} bytes`);
    const inBatch = JSON.stringify({items: [{n: 1, f: wire}]});
    if (parseJson(inBatch) === undefined) return t.fail(`too deep: ${json}`);
    if (JSON.stringify(JSON.parse(json)) !== json) return t.fail(`reads back differently: ${json}`);
    JSON.parse(json, (key, value) => {
      if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed()))
        t.fail(`half a character: ${json}`);
      return value;
    });
  }
  t.true(cutCount > 200, `only ${cutCount} were long`);
});

test('toWire() leaves what fits as it is, but for time and cost', t => {
  const {observedAt: _, costMs: __, ...rest} = passing('/etc/passwd', {}, 'bad');
  t.deepEqual(toWire(passing('/etc/passwd', {}, 'bad')) as object, rest);
});

test('toWire() says how much it cut, and keeps what is wrong', t => {
  const many = Object.fromEntries(Array.from({length: 500}, (_, index) => [`key ${index}`, 'x'.repeat(50)]));
  const wire = toWire({...passing('s', {}, 'bad'), expected: many, actual: many, wrong: ['key 499']} as Finding);
  t.true(Object.keys(wire.actual ?? {}).includes('key 499'));
  t.regex(String(wire.actual?.['…']), /^\d+ more$/);
  const long = toWire({...passing('s'), cure: 'y'.repeat(9000)} as Finding);
  t.regex(long.cure ?? '', /^y+… \(9000 characters\)$/);
});

test('toWire() keeps long subjects apart', t => {
  const [a, b] = ['a', 'b'].map(end => toWire(passing(`/${'x'.repeat(5000)}${end}`)).subject) as [string, string];
  t.not(a, b);
  t.true(a.length <= 4096);
});

import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import type {Batch, Item, WireFinding} from '../../../controller/protocol/batch.ts';
import {findingDigest, SetDigest} from '../../../controller/protocol/set-digest.ts';
import {StoreError} from '../../../controller/store/errors.ts';
import {migrations} from '../../../controller/store/schema.ts';
import {writeOperations} from '../../../controller/store/write/index.ts';
import {seeded} from '../../helpers/random.ts';
import {wireFinding} from '../../helpers/reeve-host.ts';

const host = '11111111-1111-4111-8111-111111111111';

function store() {
  const database = new DatabaseSync(':memory:');
  for (const migration of migrations) database.exec(migration);
  database
    .prepare(
      "INSERT INTO host (id, name, public_key, state, enrolled_at, enrolled_by, digest) VALUES (?, 'h', x'00', 'active', 0, '', ?)",
    )
    .run(host, new SetDigest().toString());
  const {storeBatch} = writeOperations(database);
  const batch = (epoch: number, items: Item[], change: Partial<Batch> = {}) => {
    const [from, to] = [items[0]?.n ?? 1, items.at(-1)?.n ?? 1];
    return storeBatch(host, {v: 1, agent: host, epoch, from, to, at: '2026-11-21T10:00:00Z', items, ...change}, 1);
  };
  const changes = () => database.prepare('SELECT rule, n, part, verdict_after FROM change ORDER BY n, part').all();
  return {database, batch, changes};
}

const set = (n: number, f: WireFinding): Item => ({n, t: 'set', f});
const digestOf = (...findings: WireFinding[]) => {
  const digest = new SetDigest();
  for (const finding of findings) digest.add(findingDigest(finding));
  return digest.toString();
};

test('storeBatch() answers with the digest of the set, and says when a whole set settled otherwise', t => {
  const {batch} = store();
  const a = wireFinding('a');
  const digest = digestOf(a);
  const right = batch(1, [{n: 1, t: 'reset'}, set(2, a), {n: 3, t: 'settled', count: 1, digest}]);
  t.deepEqual(right, {state: 'stored', at: {epoch: 1, n: 3}, digest, settledOtherwise: false});
  const other = batch(1, [{n: 4, t: 'reset'}, set(5, a), {n: 6, t: 'settled', count: 1, digest: 'f'.repeat(64)}]);
  t.like(other, {state: 'stored', settledOtherwise: true, digest});
});

test('storeBatch() does not end what the whole set named and a later step of the same batch overtook', t => {
  const {batch, changes} = store();
  const [a, b] = [wireFinding('a'), wireFinding('b')];
  batch(1, [{n: 1, t: 'reset'}, set(2, a), set(3, b), {n: 4, t: 'settled', count: 2, digest: digestOf(a, b)}]);
  const later = wireFinding('b', 'fail');
  const items: Item[] = [
    {n: 5, t: 'reset'},
    set(6, a),
    {n: 8, t: 'settled', count: 2, digest: digestOf(a, b)},
    set(9, later),
  ];
  t.like(batch(1, items), {state: 'stored', digest: digestOf(a, later), settledOtherwise: false});
  t.deepEqual(
    changes().map(({rule, n}) => `${rule} ${n}`),
    ['a 2', 'b 3', 'b 9'],
  );
});

test('storeBatch() takes a second reset before the first whole set was settled', t => {
  const {batch, database} = store();
  batch(1, [{n: 1, t: 'reset'}, set(2, wireFinding('a')), set(3, wireFinding('b'))]);
  const b = wireFinding('b');
  batch(1, [{n: 4, t: 'reset'}, set(5, b), {n: 6, t: 'settled', count: 1, digest: digestOf(b)}]);
  t.deepEqual(
    database
      .prepare('SELECT rule FROM finding')
      .all()
      .map(({rule}) => rule),
    ['b'],
  );
});

test('storeBatch() refuses more findings than are kept of one host, and a host that is not active', t => {
  const {batch, database} = store();
  const many = (start: number) =>
    Array.from({length: 1000}, (_, index) => set(start + index, wireFinding('a', 'pass', `/${start + index}`)));
  batch(1, [{n: 1, t: 'reset'}]);
  for (let start = 2; start < 20_000; start += 1000) batch(1, many(start));
  const error = t.throws(() => batch(1, many(20_002)), {instanceOf: StoreError});
  t.is(error?.code, 'STORE_REFUSED');
  database.prepare("UPDATE host SET state = 'frozen'").run();
  t.like(batch(1, [{n: 30_000, t: 'reset'}]), {state: 'refused'});
});

test('storeBatch() takes times that are no days, and text with NUL and halves of characters', t => {
  const {batch} = store();
  const odd = wireFinding('a', 'fail', `/x\u0000${String.fromCharCode(0xd800)}`);
  t.like(
    batch(1, [
      {n: 1, t: 'reset'},
      {n: 2, t: 'set', at: '2026-99-99T99:99:99Z', f: odd},
    ]),
    {state: 'stored', digest: digestOf(odd)},
  );
  t.like(batch(1, [{n: 3, t: 'gone', rule: 'a', subject: odd.subject}]), {digest: digestOf()});
});

test('storeBatch() comes to the same set as a model, however a random stream is cut, repeated and begun anew', t => {
  const below = seeded(3);
  for (let run = 0; run < 30; run++) {
    const {batch, database, changes} = store();
    let model = new Map<string, WireFinding>();
    let epoch = 1;
    let steps: Item[] = [{n: 1, t: 'reset'}];
    let at = 0;
    let named: Set<string> | null = new Set();
    for (let count = 0; count < 200; count++) {
      const n = (steps.at(-1)?.n ?? 0) + 1;
      const rule = `r${below(6)}`;
      const kind = below(12);
      if (kind === 0 && named === null) {
        named = new Set();
        steps.push({n, t: 'reset'});
      } else if (kind === 1 && named !== null) {
        const kept: Set<string> = named;
        model = new Map([...model].filter(([name]) => kept.has(name)));
        named = null;
        steps.push({n, t: 'settled', count: model.size, digest: digestOf(...model.values())});
      } else if (kind === 2) {
        model.delete(rule);
        steps.push({n, t: 'gone', rule, subject: ''});
      } else if (kind === 3 && below(6) === 0) {
        if (steps.length > at) batch(epoch, steps.slice(at), {from: at + 1, to: steps.length});
        epoch++;
        steps = [{n: 1, t: 'reset'}];
        at = 0;
        named = new Set();
      } else {
        const finding = wireFinding(rule, below(2) === 0 ? 'pass' : 'fail');
        model.set(rule, finding);
        named?.add(rule);
        steps.push({n, t: 'set', f: finding});
      }
      if (below(4) > 0) continue;
      const from = 1 + below(at + 1);
      const to = steps.length;
      const items = steps.slice(from - 1, to);
      t.like(batch(epoch, items, {from, to}), {state: 'stored', at: {epoch, n: Math.max(at, to)}});
      if (below(3) === 0) t.like(batch(epoch, items, {from, to}), {state: 'stored'}, 'again');
      at = Math.max(at, to);
    }
    if (steps.length > at) batch(epoch, steps.slice(at), {from: at + 1, to: steps.length});
    const rows = database.prepare('SELECT rule, verdict FROM finding ORDER BY rule').all();
    const wanted = [...model].map(([rule, {verdict}]) => ({rule, verdict})).sort((a, b) => (a.rule < b.rule ? -1 : 1));
    t.deepEqual(rows.map(row => ({...row})) as unknown, wanted);
    t.is(database.prepare('SELECT digest FROM host').get()?.digest, digestOf(...model.values()));
    t.true(changes().length > 0);
  }
});

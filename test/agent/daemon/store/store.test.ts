import {createPublicKey} from 'node:crypto';
import test from 'ava';
import {openBatch} from '../../../../controller/protocol/codec.ts';
import {limits} from '../../../../controller/protocol/limits.ts';
import {passing, round} from '../../../helpers/agent.ts';
import {agent, key, Mirror, openFixture} from '../../../helpers/finding-store.ts';
import {seeded} from '../../../helpers/random.ts';

const bad = (subject: string) => passing(subject, {}, 'bad');

test('a stream begins with reset and settled at 1, then has one step for each change and none for what stays', t => {
  const {store} = openFixture(t);
  const mirror = new Mirror();
  t.is(store.next(null), null);
  store.record(round([passing('a'), passing('b')]));
  t.deepEqual(
    mirror.drain(store).flatMap(({items}) => items.map(({t}) => t)),
    ['reset', 'set', 'set', 'settled'],
  );
  t.is(store.record(round([passing('a'), passing('b')], {observedAt: '2026-01-01T00:00:01.000Z'})), 0);
  t.is(store.record(round([bad('a')], {observedAt: '2026-01-01T00:00:02.000Z'})), 2);
  t.deepEqual(
    mirror.drain(store).flatMap(({items}) => items.map(({t}) => t)),
    ['set', 'gone'],
  );
  t.is(mirror.digest(), store.digest());
  t.deepEqual(
    store.findings({}).map(({since, observedAt, finding}) => [finding.subject, since, observedAt]),
    [['a', '2026-01-01T00:00:02.000Z', '2026-01-01T00:00:02.000Z']],
  );
  t.deepEqual(store.waiting(), {items: 0, bytes: 0, stored: mirror.at});
  t.deepEqual(store.checkedAt(), {p: {at: '2026-01-01T00:00:02.000Z', durationMs: 5}});
});

test('a rule that could not be looked at is unknown, with its last verdict and when that was, over and over', t => {
  const {store} = openFixture(t);
  const killed = new Map([['p.rule', 'it took longer than 60 s']]);
  store.record(round([bad('a')], {observedAt: '2026-01-01T00:00:01.000Z'}));
  for (const at of ['2026-01-01T00:00:02.000Z', '2026-01-01T00:00:03.000Z'])
    store.record(round([], {rules: [], killed, observedAt: at}));
  const [first] = store.findings({});
  t.like(first?.finding, {
    verdict: 'unknown',
    severity: 'high',
    reason: 'it took longer than 60 s',
    last: {verdict: 'fail', observedAt: '2026-01-01T00:00:01.000Z'},
  });
  t.is(first?.since, '2026-01-01T00:00:02.000Z');
  t.is(first?.observedAt, '2026-01-01T00:00:03.000Z');
  store.record(round([passing('a')]));
  t.is(store.findings({})[0]?.finding.last, undefined);
});

test('a rule that was never looked at is unknown too, until it was', t => {
  const {store} = openFixture(t);
  store.record(round([], {killed: new Map([['p.slow', 'why']])}));
  t.like(store.findings({})[0]?.finding, {
    rule: 'p.slow',
    subject: 'p.slow',
    verdict: 'unknown',
    severity: 'low',
    pack: 'p',
  });
  store.record(round([passing('a', {rule: 'p.slow'})], {rules: ['p.slow']}));
  t.deepEqual(
    store.findings({}).map(({finding}) => finding.subject),
    ['a'],
  );
});

for (const steps of [60, 100_000]) {
  test(`whatever happens to findings and link, what arrives is what there is (${steps} steps are kept)`, t => {
    const below = seeded(11);
    const fixture = openFixture(t, {bounds: {steps, bytes: 1e8}});
    let {store} = fixture;
    const mirror = new Mirror();
    const subjects = Array.from({length: 12}, (_, index) => `s${index}`);
    const some = () => subjects.filter(() => below(3) > 0).map(name => (below(2) ? passing(name) : bad(name)));
    for (let turn = 0; turn < 400; turn++) {
      const act = below(20);
      if (act < 14) store.record(round(some()));
      else if (act < 16) mirror.drain(store, {stored: below(2) === 0});
      else if (act < 19) store = fixture.reopen();
      else {
        fixture.clock.ms += 61_000;
        const {epoch, n} = store.at();
        store.resync('test', below(3) === 0 ? {epoch: epoch + below(2), n: n + below(2)} : mirror.at);
      }
    }
    mirror.drain(store);
    t.is(mirror.digest(), store.digest());
    t.is(mirror.set.size, store.findings({}).length);
    t.deepEqual(mirror.at, store.at());
    t.true(mirror.gaps > 0);
    if (steps > 60) t.is(mirror.strays, 0);
  });
}

test('before enrolment nothing is streamed, and an enrolment streams what is there', t => {
  let enrolled = false;
  const {store} = openFixture(t, {identity: () => (enrolled ? {agent, key} : null)});
  store.record(round([passing('a')]));
  t.is(store.next(null), null);
  t.is(store.at().n, 0);
  store.resync('nobody may ask yet', {epoch: 99, n: 1});
  t.is(store.at().epoch, 1);
  enrolled = true;
  store.enrolled();
  const mirror = new Mirror();
  mirror.drain(store);
  t.is(mirror.set.size, 1);
  const {epoch} = store.at();
  store.enrolled();
  t.true(store.at().epoch > epoch);
});

test('a set larger than a batch comes in several, each within its limits', t => {
  const {store} = openFixture(t);
  const below = seeded(5);
  const noise = () => Array.from({length: 700}, () => below(36).toString(36)).join('');
  store.record(round(Array.from({length: 1500}, (_, index) => ({...passing(`s${index}`), cure: noise()}))));
  const mirror = new Mirror();
  for (;;) {
    if (mirror.at !== null) store.stored(mirror.at);
    const sealed = store.next(mirror.at);
    if (sealed === null) break;
    t.true(Math.ceil(sealed.payload.length / 3) * 4 + 400 < limits.frame);
    const opened = openBatch(sealed, agent, createPublicKey(key));
    if (!opened.ok) return t.fail(opened.reason);
    t.true(opened.value.items.length <= limits.batchItems);
    mirror.apply(opened.value);
  }
  t.is(mirror.set.size, 1500);
});

test('a first report of 200 findings is one batch of less than 8 KB', t => {
  const {store} = openFixture(t);
  store.record(
    round(
      Array.from({length: 200}, (_, index) =>
        passing(`/srv/app/${index}`, {rule: `p.rule-${index}`}, index % 5 ? 'ok' : 'bad'),
      ),
    ),
  );
  const sealed = store.next(null);
  t.is(sealed?.to, 202);
  t.true((sealed?.payload.length ?? 1e9) < 8000, `${sealed?.payload.length} bytes`);
});

test('over its bound the outbox drops what was overtaken and says how many, and no end state is lost', t => {
  const {store} = openFixture(t, {bounds: {steps: 50, bytes: 1e9}});
  const mirror = new Mirror();
  store.record(round([passing('a'), passing('b')]));
  mirror.drain(store);
  let changes = 0;
  for (let turn = 0; turn < 200; turn++)
    changes += store.record(round([turn % 2 ? passing('a') : bad('a'), passing('b')])) > 0 ? 1 : 0;
  t.true(store.waiting().items <= 51);
  const seen = mirror.history.length;
  mirror.drain(store);
  t.is(mirror.gaps + mirror.history.length - seen, 200);
  t.is(mirror.digest(), store.digest());
  t.is(changes, 200);
});

test('over its bound with ever new subjects the outbox becomes the whole set', t => {
  const {store} = openFixture(t, {bounds: {steps: 50, bytes: 1e9}});
  const mirror = new Mirror();
  store.record(round([passing('a')]));
  mirror.drain(store);
  for (let turn = 0; turn < 200; turn++) store.record(round([passing('a'), passing(`pid ${turn}`)]));
  t.true(store.waiting().items <= 51);
  mirror.drain(store);
  t.is(mirror.digest(), store.digest());
  t.true(mirror.gaps > 300);
});

test('a resync starts the whole set once while it is on its way, and once a minute at most', t => {
  const {store, clock} = openFixture(t);
  const mirror = new Mirror();
  store.record(round([passing('a')]));
  store.resync('the first set is on its way', null);
  t.is(store.at().n, 3);
  mirror.drain(store);
  store.resync('drift', mirror.at);
  store.resync('drift', mirror.at);
  t.is(store.at().n, 6);
  mirror.drain(store);
  for (let turn = 0; turn < 10; turn++) store.resync('again', mirror.at);
  t.is(store.at().n, 6);
  clock.ms += 60_001;
  store.resync('again', mirror.at);
  t.is(store.at().n, 9);
  mirror.drain(store);
  t.is(mirror.digest(), store.digest());
});

test('a controller that knows more of the stream than we do gets one with a higher epoch', t => {
  const {store, clock} = openFixture(t);
  store.record(round([passing('a')]));
  store.resync('restored from a copy', {epoch: 7, n: 3});
  t.deepEqual(store.at(), {epoch: 8, n: 3});
  clock.ms += 61_000;
  store.resync('the same epoch, a higher number', {epoch: 8, n: 100});
  t.is(store.at().epoch, 9);
  clock.ms += 61_000;
  store.resync('behind us', {epoch: 8, n: 2});
  t.is(store.at().epoch, 9);
});

test('no epoch is taken from a link that would leave no higher one, and enrolling anew goes on', t => {
  const {store, clock} = openFixture(t);
  store.record(round([passing('a')]));
  store.resync('hostile', {epoch: Number.MAX_SAFE_INTEGER, n: 1});
  t.is(store.at().epoch, 1);
  store.resync('hostile', {epoch: 2 ** 48 - 1, n: 1});
  t.is(store.at().epoch, 2 ** 48);
  clock.ms += 61_000;
  t.is(store.next({epoch: 2 ** 48 + 5, n: 0}), null);
  store.enrolled();
  t.true(store.at().epoch < 2 ** 47);
  new Mirror().drain(store);
});

test('a link that lost its spool gets a new stream; one that merely did not store gets the same steps', t => {
  const {store, clock} = openFixture(t);
  const mirror = new Mirror();
  store.record(round([passing('a')]));
  const first = store.next(null);
  t.deepEqual(store.next(null)?.payload, first?.payload);
  mirror.drain(store);
  t.is(store.next(null)?.epoch, 2);
  const other = new Mirror();
  clock.ms += 61_000;
  other.drain(store);
  t.is(other.digest(), store.digest());
  clock.ms += 61_000;
  t.is(store.next({epoch: 2, n: 999})?.epoch, 3);
});

test('a hostile link cannot make us begin anew more often than once a minute', t => {
  const {store} = openFixture(t);
  new Mirror().drain(store);
  store.record(round([passing('a')]));
  const {epoch} = store.at();
  for (let turn = 0; turn < 1000; turn++) {
    store.stored({epoch, n: 3});
    store.stored({epoch, n: 1e9});
    store.stored({epoch: epoch + 1, n: 1});
    store.next(turn % 2 ? null : {epoch: epoch + 1 + turn, n: turn});
  }
  t.true(store.at().epoch <= epoch + 2);
});

test('a clock that jumps back changes nothing in the order of the stream', t => {
  let now = Date.parse('2026-05-01T00:00:00Z');
  const fixture = openFixture(t, {now: () => new Date(now)});
  let {store} = fixture;
  const mirror = new Mirror();
  store.record(round([passing('a')], {observedAt: new Date(now).toISOString()}));
  mirror.drain(store);
  now = Date.parse('1999-01-01T00:00:00Z');
  store = fixture.reopen();
  store.record(round([bad('a')], {observedAt: new Date(now).toISOString()}));
  t.deepEqual(store.at(), {epoch: 1, n: 4});
  mirror.drain(store);
  t.is(mirror.set.get('p.rule a')?.verdict, 'fail');
  store.record(round([passing('a')], {observedAt: '+010000-01-01T00:00:00.000Z'}));
  mirror.drain(store);
  t.is(mirror.digest(), store.digest());
});

import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import type {Item} from '../../../controller/protocol/batch.ts';
import {openStore} from '../../../controller/store/open.ts';
import type {Store} from '../../../controller/store/store.ts';
import {temporaryFolder} from '../../helpers/controller.ts';
import {wireFinding} from '../../helpers/reeve-host.ts';

async function opened(t: Parameters<typeof temporaryFolder>[0]): Promise<{store: Store; path: string}> {
  const path = join(await temporaryFolder(t), 'controller.db');
  const store = await openStore(path, () => {});
  t.teardown(() => store.close());
  return {store, path};
}

async function enrolled(store: Store): Promise<string> {
  const token = await store.createToken(
    {kind: 'enrol', name: 'x', scope: 'enrol', expiresAt: 10_000, uses: 1, createdBy: 'test'},
    0,
  );
  const outcome = await store.enrol({token: token.token, publicKey: randomBytes(32), name: 'host', now: 1});
  if (!('id' in outcome)) throw new Error('not enrolled');
  return outcome.id;
}

test('enrol() takes an enrolment token until it expires, and gives the last use to one of many that come at once', async t => {
  const {store} = await opened(t);
  const {token} = await store.createToken(
    {kind: 'enrol', name: 'x', scope: 'enrol', expiresAt: 1_000, uses: 3, createdBy: 'test'},
    0,
  );
  const attempt = (now: number) => store.enrol({token, publicKey: randomBytes(32), name: 'host', now});
  t.deepEqual(await attempt(1_001), {refused: 'token'});
  const outcomes = await Promise.all(Array.from({length: 20}, () => attempt(500)));
  t.is(outcomes.filter(outcome => 'id' in outcome).length, 3);
});

test('join() passes one of two hellos that show the same value at once only while the answer may be lost', async t => {
  const {store} = await opened(t);
  const host = await enrolled(store);
  t.like(await store.join(host, {shown: '', next: 'one'}), {state: 'joined'});
  t.like(await store.join(host, {shown: 'one', next: 'two'}), {state: 'joined'});
  t.like(await store.join(host, {shown: 'one', next: 'three'}), {state: 'joined'}, 'the answer was lost');
  t.deepEqual(await store.join(host, {shown: 'two', next: 'four'}), {state: 'cloned'});
  t.deepEqual(await store.join(host, {shown: 'three', next: 'four'}), {state: 'frozen'});
  t.true(await store.setHostState(host, 'active', 'operator'));
  t.like(await store.join(host, {shown: 'two', next: 'five'}), {state: 'joined'});
});

test('one request that fails takes nothing of those that share its transaction', async t => {
  const {store} = await opened(t);
  const host = await enrolled(store);
  const bad = store.keepDocument({
    kind: 'nonsense' as never,
    digest: 'a',
    bytes: 1,
    body: Buffer.alloc(1),
    host,
    now: 1,
  });
  const good = store.keepDocument({kind: 'rules', digest: 'b', bytes: 1, body: Buffer.alloc(1), host, now: 1});
  await t.throwsAsync(bad, {name: 'StoreError', code: 'STORE_BUG'});
  await t.notThrowsAsync(good);
  t.deepEqual(await store.missingDocuments(['a', 'b']), ['a']);
});

test('a batch that is refused leaves nothing of its first steps, and its host can go on', async t => {
  const {store} = await opened(t);
  const host = await enrolled(store);
  const batch = (items: Item[]) =>
    store.storeBatch(host, {v: 1, agent: host, epoch: 1, from: 1, to: 3, at: '2026-11-21T10:00:00Z', items}, 1);
  const long = {...wireFinding('b'), reason: 'x'.repeat(4096), cure: 'x'.repeat(4096)};
  const start: Item[] = [
    {n: 1, t: 'reset'},
    {n: 2, t: 'set', f: wireFinding('a')},
  ];
  const refused = batch([...start, {n: 3, t: 'set', f: long}]);
  const other = store.host(host);
  await t.throwsAsync(refused, {code: 'STORE_REFUSED'});
  t.is((await other)?.position, null);
  t.deepEqual((await store.findings({})).findings, []);
  t.like(await batch(start), {state: 'stored'});
});

test('prune() removes old changes and gaps in steps, documents that no host has, and leaves the rest', async t => {
  const {store, path} = await opened(t);
  const host = await enrolled(store);
  await store.keepDocument({kind: 'rules', digest: 'old', bytes: 1, body: Buffer.alloc(1), host, now: 1});
  await store.keepDocument({kind: 'rules', digest: 'new', bytes: 1, body: Buffer.alloc(1), host, now: 1});
  const database = new DatabaseSync(path);
  database.exec('BEGIN');
  const change = database.prepare("INSERT INTO change VALUES (?, 1, ?, 0, 'r', '', NULL, 'pass', NULL, 0, ?)");
  for (let n = 1; n <= 2_500; n++) change.run(host, n, n);
  database.exec('COMMIT');
  database.close();
  await store.prune(2_001);
  const after = new DatabaseSync(path, {readOnly: true});
  t.deepEqual({...after.prepare('SELECT count(*) AS n, min(n) AS first FROM change').get()}, {n: 500, first: 2_001});
  after.close();
  t.deepEqual(await store.missingDocuments(['old', 'new']), ['old']);
});

test('a store that is closed rejects', async t => {
  const {store} = await opened(t);
  const late = store.fleet();
  await store.close();
  await t.notThrowsAsync(late, 'what was asked before is answered');
  await t.throwsAsync(store.fleet(), {code: 'STORE_CLOSED'});
});

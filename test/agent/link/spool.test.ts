import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test, {type ExecutionContext} from 'ava';
import {LinkProblem} from '../../../agent/link/problem.ts';
import {Spool} from '../../../agent/link/spool/spool.ts';
import type {SealedBatch} from '../../../controller/protocol/codec.ts';
import {seeded} from '../../helpers/random.ts';

type Opened = {path: string; open(bounds?: {soft: number; hard: number}): Spool; setAside: string[]};

function folderOf(t: ExecutionContext): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-spool-'));
  const opened: Spool[] = [];
  t.teardown(() => {
    for (const spool of opened) closeQuietly(spool);
    rmSync(folder, {recursive: true, force: true});
  });
  const setAside: string[] = [];
  const path = join(folder, 'spool.db');
  return {
    path,
    setAside,
    open(bounds) {
      const spool = new Spool(path, why => setAside.push(why), bounds);
      opened.push(spool);
      return spool;
    },
  };
}

function closeQuietly(spool: Spool): void {
  try {
    spool.close();
  } catch {
    // The test did it.
  }
}

const batch = (epoch: number, from: number, to: number, bytes = 10): SealedBatch => ({
  epoch,
  from,
  to,
  payload: Buffer.alloc(bytes, from),
  signature: Buffer.alloc(64, 1),
});

const idsOf = (spool: Spool): string[] => {
  const found: string[] = [];
  for (let row = spool.after(0); row !== null; row = spool.after(row.id))
    found.push(`${row.epoch}:${row.from}-${row.to}`);
  return found;
};

test('Spool makes the folder that it lies in, for its own account alone', t => {
  const {path} = folderOf(t);
  const folder = join(path, '../new/link');
  const spool = new Spool(join(folder, 'spool.db'), () => t.fail());
  t.teardown(() => spool.close());
  t.is(statSync(folder).mode & 0o777, 0o700);
});

test('Spool says which folder cannot be made', t => {
  const {path} = folderOf(t);
  writeFileSync(path, '');
  const error = t.throws(() => new Spool(join(path, 'link/spool.db'), () => t.fail()), {instanceOf: LinkProblem});
  t.regex(error?.message ?? '', /^cannot make the folder ".*\/spool\.db\/link" for the spool: ENOTDIR/);
});

test('Spool keeps batches over a restart, in order, and forgets what is acknowledged', t => {
  const {open} = folderOf(t);
  const first = open();
  for (const one of [batch(1, 1, 3), batch(1, 4, 4), batch(1, 5, 9)]) t.true(first.add(one, 0));
  first.setJoin('j1');
  first.acknowledge({epoch: 1, n: 4});
  first.close();
  const second = open();
  t.deepEqual(idsOf(second), ['1:5-9']);
  t.deepEqual(second.acknowledged(), {epoch: 1, n: 4});
  t.deepEqual(second.position(), {epoch: 1, n: 9});
  t.is(second.join(), 'j1');
  t.deepEqual(second.after(0)?.payload, Buffer.alloc(10, 5));
});

test('Spool says where it stands after everything was acknowledged', t => {
  const spool = folderOf(t).open();
  t.is(spool.position(), null);
  spool.add(batch(2, 1, 7), 0);
  spool.acknowledge({epoch: 2, n: 7});
  t.deepEqual(spool.position(), {epoch: 2, n: 7});
  t.deepEqual(spool.totals(), {batches: 0, bytes: 0, oldestAt: null});
});

test('Spool sends batches of an old epoch before those of a new one', t => {
  const spool = folderOf(t).open();
  spool.add(batch(1, 1, 3), 0);
  spool.add(batch(2, 1, 2), 0);
  t.deepEqual(idsOf(spool), ['1:1-3', '2:1-2']);
  spool.acknowledge({epoch: 1, n: 3});
  t.deepEqual(idsOf(spool), ['2:1-2']);
});

for (const [title, wrong] of [
  ['a hole', batch(1, 5, 6)],
  ['an overlap', batch(1, 3, 5)],
  ['an epoch that is over', batch(0, 1, 1)],
  ['a new epoch that does not begin at 1', batch(2, 2, 3)],
  ['numbers in the wrong order', batch(1, 4, 3)],
  ['more than a frame holds', batch(1, 4, 5, 250_000)],
] as const)
  test(`Spool refuses a batch with ${title}`, t => {
    const spool = folderOf(t).open();
    spool.add(batch(1, 1, 3), 0);
    t.throws(() => spool.add(wrong, 0), {instanceOf: LinkProblem, code: 'BATCH_REFUSED'});
    t.deepEqual(idsOf(spool), ['1:1-3']);
  });

test('Spool refuses a first batch that does not begin at 1', t => {
  t.throws(
    () =>
      folderOf(t)
        .open()
        .add(batch(4, 17, 18), 0),
    {code: 'BATCH_REFUSED'},
  );
});

test('Spool takes no notice of a batch that it has', t => {
  const spool = folderOf(t).open();
  spool.add(batch(1, 1, 3), 0);
  t.false(spool.add(batch(1, 1, 3), 0));
  t.deepEqual(idsOf(spool), ['1:1-3']);
});

test('Spool keeps nothing of another enrolment', t => {
  const spool = folderOf(t).open();
  spool.claim('fleet a');
  spool.add(batch(1, 1, 3), 0);
  spool.setJoin('j');
  spool.acknowledge({epoch: 1, n: 1});
  spool.claim('fleet a');
  t.is(spool.join(), 'j');
  spool.claim('fleet b');
  t.deepEqual([spool.join(), spool.position(), idsOf(spool)], ['', null, []]);
});

test('Spool has no room above its soft bound, and again below it', t => {
  const spool = folderOf(t).open({soft: 1000, hard: 1024 * 1024});
  spool.add(batch(1, 1, 1, 900), 0);
  t.true(spool.hasRoom());
  spool.add(batch(1, 2, 2, 900), 0);
  t.false(spool.hasRoom());
  spool.acknowledge({epoch: 1, n: 1});
  t.true(spool.hasRoom());
});

test('Spool stores nothing beyond its hard bound, keeps what it has, and goes on when there is room', t => {
  const {path, open} = folderOf(t);
  const bounds = {soft: 1024 * 1024, hard: 1024 * 1024};
  const spool = open(bounds);
  let n = 0;
  const error = t.throws(() => {
    for (; ; n++) spool.add(batch(1, n + 1, n + 1, 100_000), 0);
  });
  t.like(error, {code: 'SPOOL_FULL'});
  t.true(n >= 8, `${n} batches`);
  t.is(idsOf(spool).length, n);
  t.true(statSync(path).size <= bounds.hard);
  spool.acknowledge({epoch: 1, n: 3});
  t.true(spool.add(batch(1, n + 1, n + 1, 100_000), 0));
  t.is(idsOf(spool).length, n - 2);
});

test('Spool begins anew beside a file that is no database', t => {
  const {path, open, setAside} = folderOf(t);
  writeFileSync(path, 'something else '.repeat(1000));
  const spool = open();
  t.is(spool.position(), null);
  t.is(setAside.length, 1);
  t.true(existsSync(`${path}.set-aside`));
  t.true(spool.add(batch(1, 1, 1), 0));
});

test('Spool begins anew beside a database of somebody else, and of another version', t => {
  const {path, open, setAside} = folderOf(t);
  const other = new DatabaseSync(path);
  other.exec('CREATE TABLE batch (x)');
  other.close();
  open().close();
  const newer = new DatabaseSync(path);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  open();
  t.deepEqual(setAside, ['it is no spool of reeve', 'its version is 99, 1 is wanted']);
});

test('Spool begins anew beside a file that was cut', t => {
  const {path, open, setAside} = folderOf(t);
  const spool = open();
  for (let n = 1; n <= 20; n++) spool.add(batch(1, n, n, 5000), 0);
  spool.close();
  truncateSync(path, 3 * 4096 + 17);
  t.is(open().position(), null);
  t.is(setAside.length, 1);
});

test('Spool survives whatever bytes are damaged: it opens with what is whole or begins anew', t => {
  const random = seeded(7);
  for (let round = 0; round < 25; round++) {
    const {path, open} = folderOf(t);
    const spool = open();
    for (let n = 1; n <= 5; n++) spool.add(batch(1, n, n, 3000), 0);
    spool.close();
    const file = openSync(path, 'r+');
    const size = statSync(path).size;
    for (let bytes = 0; bytes < 20; bytes++) writeSync(file, Buffer.from([random(256)]), 0, 1, random(size));
    closeSync(file);
    const again = open();
    const stored = again.position();
    const next = stored === null ? batch(1, 1, 1) : batch(stored.epoch + 1, 1, 1);
    t.notThrows(() => {
      try {
        again.add(next, 0);
      } catch (error) {
        // Damage that shows only now is set aside now; the next one goes into the new file.
        if (!(error instanceof LinkProblem)) throw error;
        again.add(batch(1, 1, 1), 0);
      }
    });
  }
});

test('Spool keeps one file that was set aside', t => {
  const {path, open} = folderOf(t);
  for (let round = 0; round < 3; round++) {
    writeFileSync(path, 'no database '.repeat(500));
    open().close();
  }
  t.deepEqual(
    readdirSync(join(path, '..')).filter(name => name.includes('aside')),
    ['spool.db.set-aside'],
  );
});

test('Spool leaves the file alone that another link has open', t => {
  const {open, setAside} = folderOf(t);
  open().add(batch(1, 1, 3), 0);
  t.throws(() => open(), {code: 'SPOOL_UNUSABLE', message: /locked/});
  t.deepEqual(setAside, []);
});

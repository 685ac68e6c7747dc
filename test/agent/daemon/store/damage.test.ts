import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {passing, round} from '../../../helpers/agent.ts';
import {Mirror, openFixture} from '../../../helpers/finding-store.ts';

const bad = (subject: string) => passing(subject, {}, 'bad');

for (const [what, damage] of [
  ['no database', (path: string) => writeFileSync(path, 'not a database at all'.repeat(400))],
  ['empty', (path: string) => writeFileSync(path, '')],
  [
    'overwritten in the middle',
    (path: string) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0xa5, 4096, 12_000));
    },
  ],
  [
    'of another version',
    (path: string) => {
      const db = new DatabaseSync(path);
      db.exec('PRAGMA user_version = 99');
      db.close();
    },
  ],
] as const) {
  test(`a store that is ${what} is set aside, said, and begun anew under a higher epoch`, t => {
    const {store, path, reopen} = openFixture(t);
    store.record(round([passing('a')]));
    const {epoch} = store.at();
    store.close();
    damage(path);
    const again = reopen({now: () => new Date('2026-01-02T00:00:00Z')});
    t.regex(again.setAside?.path ?? '', /agent\.db\.damaged-1$/);
    t.true(existsSync(again.setAside?.path ?? ''));
    t.true(again.at().epoch > epoch);
    again.record(round([passing('a')]));
    const mirror = new Mirror();
    mirror.at = {epoch, n: 3};
    mirror.drain(again);
    t.is(mirror.digest(), again.digest());
  });
}

test('damaged stores do not pile up', t => {
  const {path, store, reopen} = openFixture(t);
  store.close();
  for (let turn = 0; turn < 6; turn++) {
    writeFileSync(path, 'x');
    t.truthy(reopen().setAside);
  }
  t.is(readdirSync(join(path, '..')).filter(name => name.includes('damaged')).length, 3);
});

test('a store of a crashed first start is no store', t => {
  const {path, store, reopen} = openFixture(t);
  store.close();
  for (const name of readdirSync(join(path, '..'))) rmSync(join(path, '..', name));
  writeFileSync(`${path}.new`, 'half');
  t.is(reopen().setAside, null);
  t.is(statSync(path).mode & 0o777, 0o600);
});

test('while the disk is full rounds wait in memory, a bounded number of them, and are written when there is room', t => {
  const {store, log} = openFixture(t);
  const mirror = new Mirror();
  store.record(round([passing('a')]));
  mirror.drain(store);
  limitFiles(4096);
  t.teardown(() => limitFiles(null));
  const long = (subject: string) => ({...bad(subject), cure: 'x'.repeat(3000)});
  for (let turn = 0; turn < 30; turn++)
    store.record(round([long(`new ${turn}`), long('a')], {packs: [`pack ${turn}`]}));
  t.regex(store.problem() ?? '', /full|disk/);
  t.is(log.filter(line => line.includes('cannot be written')).length, 1);
  t.is(store.retry(), 0);
  limitFiles(null);
  t.true(store.retry() > 0);
  t.is(store.problem(), null);
  t.is(Object.keys(store.checkedAt()).length, 31);
  t.deepEqual(
    store.findings({}).map(({finding}) => finding.subject),
    ['a', 'new 29'],
  );
  mirror.drain(store);
  t.is(mirror.digest(), store.digest());
});

/** A file of this process may have so many bytes: writes beyond fail as they do on a full disk. Null: as many as it likes. */
function limitFiles(bytes: number | null): void {
  process.on('SIGXFSZ', () => {});
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes ?? 'unlimited'}:`]);
}

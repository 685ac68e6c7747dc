import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {lock, openToRead, openToWrite} from '../../../controller/store/database.ts';
import {migrations} from '../../../controller/store/schema.ts';
import {temporaryFolder} from '../../helpers/controller.ts';

test('openToWrite() makes commits wait for the disk, and brings the schema up to date', async t => {
  const path = join(await temporaryFolder(t), 'controller.db');
  const database = openToWrite(path);
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  t.is(pragma('synchronous'), 2, 'FULL: https://sqlite.org/pragma.html#pragma_synchronous');
  t.is(pragma('journal_mode'), 'wal');
  t.is(pragma('user_version'), migrations.length);
  database.close();
  t.notThrows(() => openToWrite(path).close());
});

test('openToRead() cannot write', async t => {
  const path = join(await temporaryFolder(t), 'controller.db');
  const writer = openToWrite(path);
  const reader = openToRead(path);
  t.throws(() => reader.exec("INSERT INTO setting VALUES ('a', 'b')"), {message: /readonly/});
  reader.close();
  writer.close();
});

test('lock() is given once', async t => {
  const path = join(await temporaryFolder(t), 'controller.db');
  const held = lock(path);
  t.throws(() => lock(path), {code: 'STORE_UNUSABLE'});
  held.close();
  t.notThrows(() => lock(path).close());
});

test('the numbers of changes and gaps are known of an older file, and follow what is added and removed', async t => {
  const path = join(await temporaryFolder(t), 'controller.db');
  const older = new DatabaseSync(path);
  older.exec(migrations[0] ?? '');
  older.exec(`
    PRAGMA user_version = 1;
    INSERT INTO host (id, name, public_key, state, enrolled_at, enrolled_by, digest)
      VALUES ('h', 'h', x'00', 'active', 0, 'test', '0');
    INSERT INTO change VALUES ('h', 1, 1, 0, 'r', 's', NULL, 'fail', '{}', 0, 0), ('h', 1, 2, 0, 'r', 's', NULL, NULL, NULL, 0, 0);
    INSERT INTO gap VALUES ('h', 1, 3, 1, 'x', 0);
  `);
  older.close();
  const database = openToWrite(path);
  const totals = () =>
    database
      .prepare('SELECT count FROM total ORDER BY name')
      .all()
      .map(({count}) => count);
  t.deepEqual(totals(), [2, 1]);
  database.exec(`
    INSERT INTO change VALUES ('h', 1, 4, 0, 'r', 's', NULL, NULL, NULL, 0, 0);
    DELETE FROM change WHERE n < 3;
    INSERT INTO gap VALUES ('h', 1, 5, 1, 'x', 0), ('h', 1, 6, 1, 'x', 0);
    DELETE FROM gap WHERE n = 3;
  `);
  t.deepEqual(totals(), [1, 2]);
  database.close();
});

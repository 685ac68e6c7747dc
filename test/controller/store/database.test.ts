import {join} from 'node:path';
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

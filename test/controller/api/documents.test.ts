import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {packDocument} from '../../../controller/protocol/codec.ts';
import {Documents} from '../../../controller/store/read/documents.ts';
import {migrations} from '../../../controller/store/schema.ts';
import {inventory, rulesOf} from '../../helpers/site.ts';

function filled(documents: {[digest: string]: {kind: string; body: Uint8Array}}): {
  documents: Documents;
  database: DatabaseSync;
} {
  const database = new DatabaseSync(':memory:');
  for (const migration of migrations) database.exec(migration);
  const insert = database.prepare('INSERT INTO document VALUES (?, ?, 1, ?, 1)');
  for (const [digest, {kind, body}] of Object.entries(documents)) insert.run(digest, kind, body);
  return {documents: new Documents(sql => database.prepare(sql)), database};
}

const packed = (value: unknown) => packDocument(Buffer.from(JSON.stringify(value)));
const longRules = (n: number) =>
  rulesOf(...Array.from({length: 900}, (_, index) => ({id: `rule-${n}-${index}`, why: 'w'.repeat(4000)})));

test('Documents gives null for what is missing, damaged, of another kind or no such document', t => {
  const {documents} = filled({
    good: {kind: 'rules', body: packed(rulesOf({id: 'a', title: 'A'}))},
    damaged: {kind: 'rules', body: packed(rulesOf({id: 'a'})).subarray(0, 40)},
    shapeless: {kind: 'rules', body: packed({v: 2})},
    bomb: {kind: 'rules', body: packDocument(Buffer.alloc(64 * 1024 * 1024))},
    machine: {kind: 'inventory', body: packed(inventory)},
  });
  t.is(documents.rules('good')?.byId.get('a')?.title, 'A');
  for (const digest of ['missing', 'damaged', 'shapeless', 'bomb', 'machine', null])
    t.is(documents.rules(digest), null);
  t.is(documents.inventory('good'), null);
  t.is(documents.system('machine'), 'Debian GNU/Linux 12');
});

test('Documents unpacks each once, and no more than 32 MiB for one request', t => {
  const digests = Array.from({length: 14}, (_, n) => `d${n}`);
  const {documents, database} = filled(
    Object.fromEntries(digests.map((digest, n) => [digest, {kind: 'rules', body: packed(longRules(n))}])),
  );
  documents.startRequest();
  const found = digests.filter(digest => documents.rules(digest) !== null).length;
  t.true(found >= 8 && found < 12, `${found} documents of 3.6 MB`);
  database.exec('DELETE FROM document');
  documents.startRequest();
  t.is(documents.rules(digests[found - 1] as string)?.document.rules.length, 900, 'the last one is still unpacked');
  t.is(documents.rules(digests[0] as string), null, 'the first made room for others');
});

import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {parseRpmHeader, rpmTag} from '../../../../../agent/host/facts/rpm/header.ts';
import {readRpmPackages} from '../../../../../agent/host/facts/rpm/index.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {mutated, seeded} from '../../../../helpers/random.ts';
import {lacks, RpmLab} from '../../../../helpers/rpm.ts';

const path = '/var/lib/rpm/rpmdb.sqlite';

const read = (bytes: Buffer) => readRpmPackages(memoryHost({files: {[path]: {base64: bytes.toString('base64')}}}));

/** A database of SQLite's own making, as bytes. */
function database(sql: string, fill: (database: DatabaseSync) => void = () => {}): Buffer {
  const made = new DatabaseSync(':memory:');
  made.exec(sql);
  fill(made);
  const bytes = Buffer.from(made.serialize());
  made.close();
  return bytes;
}

const table = 'CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)';

/** A header with the given tags, all of them text. */
function header(tags: Map<number, string>): Buffer {
  const data = Buffer.from([...tags.values()].map(value => `${value}\0`).join(''));
  const bytes = Buffer.alloc(8 + 16 * tags.size);
  bytes.writeUInt32BE(tags.size, 0);
  bytes.writeUInt32BE(data.length, 4);
  let offset = 0;
  for (const [index, [tag, value]] of [...tags].entries()) {
    for (const [field, number] of [tag, 6, offset, 1].entries())
      bytes.writeUInt32BE(number, 8 + 16 * index + 4 * field);
    offset += Buffer.byteLength(value) + 1;
  }
  return Buffer.concat([bytes, data]);
}

const named = (name: string) =>
  header(
    new Map([
      [rpmTag.name, name],
      [rpmTag.version, '1'],
      [rpmTag.release, '1'],
    ]),
  );

/** Large enough that the table's root page points to others. */
const large = () =>
  database(table, made => {
    const insert = made.prepare('INSERT INTO Packages (blob) VALUES (?)');
    for (let index = 0; index < 2000; index++) insert.run(named(`package-${index}`));
  });

test('readRpmPackages() reads a table of many pages, and rows that overflow theirs', async t => {
  const bytes = database(table, made => {
    const insert = made.prepare('INSERT INTO Packages (blob) VALUES (?)');
    for (let index = 0; index < 1000; index++) {
      const padding = new Map([[1004, 'x'.repeat((index * 37) % 20_000)]]);
      insert.run(
        header(new Map([[rpmTag.name, `p${index}`], [rpmTag.version, '1'], [rpmTag.release, '1'], ...padding])),
      );
    }
  });
  const answer = await read(bytes);
  t.is(answer.state, 'seen');
  if (answer.state !== 'seen') return;
  t.deepEqual(
    answer.value.packages.map(({name}) => name),
    Array.from({length: 1000}, (_, index) => `p${index}`).sort(),
  );
});

const page = 4096;
const rootPage = 2;

const damages: Array<[title: string, bytes: () => Buffer, reason: RegExp]> = [
  ['an empty file', () => Buffer.alloc(0), /not an SQLite database/],
  ['a file of another kind', () => Buffer.alloc(10_000, 'x'), /not an SQLite database/],
  ['half a file', () => large().subarray(0, page * 10), /cut short/],
  ['a page size of 3', () => patch(large(), 16, 0, 3), /page size/],
  [
    'a tree that goes round in a circle',
    () => patch(large(), (rootPage - 1) * page + 8, 0, 0, 0, rootPage),
    /used twice/,
  ],
  [
    'a pointer past the file',
    () => patch(large(), (rootPage - 1) * page + 8, 0xff, 0xff, 0xff, 0xff),
    /is not in the file/,
  ],
  ['a page of zeros', () => large().fill(0, 9 * page, 10 * page), /is no table page/],
  ['no table of packages', () => database('CREATE TABLE other (a)'), /no table Packages/],
  [
    'a view that never ends in place of the table',
    () =>
      database(
        "CREATE VIEW Packages AS WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT a, 'x' FROM n",
      ),
    /no table Packages/,
  ],
  ['a header that is no header', () => withBlob(Buffer.from('garbage garbage garbage')), /header of package number 1/],
  ['a header of two bytes', () => withBlob(Buffer.from('ab')), /shorter than its own counts/],
  ['a header that claims a billion entries', () => withBlob(patch(named('a'), 0, 0x40, 0, 0, 0)), /claims/],
  ['a header that claims a gigabyte', () => withBlob(patch(named('a'), 4, 0x40, 0, 0, 0)), /claims/],
  ['a header cut short', () => withBlob(named('a').subarray(0, 40)), /cut short/],
  [
    'a package without a name',
    () =>
      withBlob(
        header(
          new Map([
            [rpmTag.version, '1'],
            [rpmTag.release, '1'],
          ]),
        ),
      ),
    /have no name or version/,
  ],
  [
    'a name that points past the header',
    () => withBlob(patch(named('a'), 16, 0x7f, 0xff, 0xff, 0xff)),
    /have no name or version/,
  ],
  ['a name as long as a book', () => withBlob(named('a'.repeat(5000))), /have no name or version/],
];
for (const [title, bytes, reason] of damages) {
  test(`readRpmPackages() is unseen, with its reason, for ${title}`, async t => {
    const answer = await read(bytes());
    t.is(answer.state, 'unseen');
    if (answer.state === 'unseen') t.regex(answer.reason, reason);
  });
}

function withBlob(blob: Buffer): Buffer {
  return database(table, made => made.prepare('INSERT INTO Packages (blob) VALUES (?)').run(blob));
}

function patch(bytes: Buffer, at: number, ...values: number[]): Buffer {
  Buffer.from(values).copy(bytes, at);
  return bytes;
}

test('readRpmPackages() does not let rows of a page overlap without end', async t => {
  // Every cell pointer of the one leaf page leads to the same row.
  const bytes = withBlob(named('a'.repeat(3000)));
  const leaf = (rootPage - 1) * page;
  const cell = bytes.readUInt16BE(leaf + 8);
  const cells = (cell - 8) >> 1;
  bytes.writeUInt16BE(cells, leaf + 3);
  for (let index = 0; index < cells; index++) bytes.writeUInt16BE(cell, leaf + 8 + 2 * index);
  const answer = await read(bytes);
  t.true(
    answer.state === 'unseen' && /rows are larger than the file/.test(answer.reason),
    JSON.stringify(answer).slice(0, 200),
  );
});

test('readRpmPackages() answers for each of 600 damaged databases, and never throws', async t => {
  const below = seeded(7);
  const good = large();
  const states = new Map<string, number>();
  for (let round = 0; round < 600; round++) {
    const {state} = await read(mutated(good, below));
    states.set(state, (states.get(state) ?? 0) + 1);
  }
  t.deepEqual(
    [...states.keys()].filter(state => state !== 'seen' && state !== 'unseen'),
    [],
  );
  t.true((states.get('unseen') ?? 0) > 100);
});

test('parseRpmHeader() answers for each of 5,000 damaged headers, and never throws', t => {
  if (lacks(t, '/usr/bin/rpm', '/usr/bin/rpmbuild')) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const files = {
    files: '/opt/a\n/opt/b',
    install: 'mkdir -p %{buildroot}/opt; touch %{buildroot}/opt/a %{buildroot}/opt/b',
  };
  const root = lab.database('root', [lab.build({name: 'real', version: '1', release: '1', ...files})]);
  const file = new DatabaseSync(join(root, path), {readOnly: true});
  const good = Buffer.from(file.prepare('SELECT blob FROM Packages').get()?.blob as Uint8Array);
  file.close();
  t.deepEqual(readAll(good), {texts: 3, name: 'real'});
  const below = seeded(42);
  let damaged = 0;
  for (let round = 0; round < 5000; round++) {
    if (readAll(mutated(good, below)) === null) damaged++;
  }
  t.true(damaged > 500 && damaged < 5000);
});

/** Asks for every tag in every form, as a caller might. */
function readAll(bytes: Buffer): {texts: number; name: string | null} | null {
  const parsed = parseRpmHeader(bytes);
  if ('damaged' in parsed) return null;
  for (const tag of Object.values(rpmTag)) {
    parsed.text(tag);
    parsed.texts(tag);
    parsed.numbers(tag);
  }
  return {
    texts: parsed.texts(rpmTag.baseNames).length + parsed.texts(rpmTag.dirNames).length,
    name: parsed.text(rpmTag.name),
  };
}

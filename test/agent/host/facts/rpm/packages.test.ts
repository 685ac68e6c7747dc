import {mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import test from 'ava';
import {readRpmPackages} from '../../../../../agent/host/facts/rpm/index.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {lacks, RpmLab} from '../../../../helpers/rpm.ts';

const path = '/var/lib/rpm/rpmdb.sqlite';
const tools = ['/usr/bin/rpm', '/usr/bin/rpmbuild'];

/** Five packages: an epoch, two kernels side by side, two architectures, one of a module. */
function installed(lab: RpmLab): string {
  const rpms = [
    lab.build({name: 'beta', epoch: 2, version: '1.0', release: '3.el9'}),
    lab.build({name: 'kernel-core', version: '5.14.0', release: '427.el9', architecture: 'x86_64'}),
    lab.build({name: 'kernel-core', version: '5.14.0', release: '503.el9', architecture: 'x86_64'}),
    lab.build({
      name: 'nodejs',
      epoch: 1,
      version: '18.1',
      release: '1.module+el9',
      architecture: 'x86_64',
      module: 'nodejs:18:9040020240101:abcd:x86_64',
    }),
    lab.build({name: 'alpha', version: '1.0~rc1', release: '1'}),
  ];
  return lab.database('root', rpms);
}

test('readRpmPackages() says what rpm -qa says, and leaves the database as it was', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const root = installed(lab);
  const query = '%{NAME}|%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}|%{ARCH}|%{INSTALLTIME}\\n';
  const oracle = lab.rpm('root', ['-qa', '--qf', query]).trim().split('\n').sort();
  for (const name of ['rpmdb.sqlite-wal', 'rpmdb.sqlite-shm']) rmSync(join(root, 'var/lib/rpm', name), {force: true});
  const before = snapshot(join(root, 'var/lib/rpm'));

  const answer = await readRpmPackages(localHost(root));

  t.is(answer.state, 'seen');
  if (answer.state !== 'seen') return;
  const {packages, nativeArchitecture} = answer.value;
  t.deepEqual(
    packages
      .map(
        ({name, version, architecture, installedMs}) =>
          `${name}|${version}|${architecture}|${(installedMs ?? 0) / 1000}`,
      )
      .sort(),
    oracle,
  );
  t.is(nativeArchitecture, 'x86_64');
  const node = packages.find(({name}) => name === 'nodejs');
  t.like(node, {
    version: '1:18.1-1.module+el9',
    module: 'nodejs:18',
    source: 'nodejs',
    sourceVersion: '18.1-1.module+el9',
    held: false,
    installed: true,
  });
  t.deepEqual(answer.where, [path]);
  t.deepEqual(snapshot(join(root, 'var/lib/rpm')), before);
});

function snapshot(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map(name => {
      const {size, mtimeMs, ctimeMs} = statSync(join(folder, name));
      return `${name} ${size} ${mtimeMs} ${ctimeMs}`;
    });
}

test('readRpmPackages() sees what stands in the write-ahead log alone, and no transaction that is not finished', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const file = join(installed(lab), path);
  const other = lab.build({name: 'gamma', version: '7', release: '1'});
  lab.database('other', [other]);
  const source = new DatabaseSync(join(lab.folder, 'other', path), {readOnly: true});
  const header = source.prepare('SELECT blob FROM Packages').get()?.blob as Uint8Array;
  source.close();
  const writer = new DatabaseSync(file);
  t.teardown(() => writer.close());
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
  writer.prepare('INSERT INTO Packages (blob) VALUES (?)').run(header);

  const read = async (log: Buffer) => {
    const answer = await readRpmPackages(
      memoryHost({files: {[path]: base64(readFileSync(file)), [`${path}-wal`]: base64(log)}}),
    );
    return answer.state === 'seen' ? answer.value.packages.map(({name}) => name) : [answer.state];
  };
  const log = readFileSync(`${file}-wal`);
  t.deepEqual(await read(log), ['alpha', 'beta', 'gamma', 'kernel-core', 'kernel-core', 'nodejs']);
  t.deepEqual(
    await read(log.subarray(0, -1)),
    ['alpha', 'beta', 'kernel-core', 'kernel-core', 'nodejs'],
    'the last frame is cut short',
  );
  const forged = Buffer.from(log);
  forged.writeUInt8(forged.readUInt8(100) ^ 1, 100);
  t.deepEqual(await read(forged), ['alpha', 'beta', 'kernel-core', 'kernel-core', 'nodejs'], 'a checksum is wrong');
});

test('readRpmPackages() marks what versionlock and excludepkgs hold', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const root = installed(lab);
  for (const folder of ['etc/dnf/plugins', 'etc/yum.repos.d']) mkdirSync(join(root, folder), {recursive: true});
  writeFileSync(join(root, 'etc/dnf/dnf.conf'), '[main]\nexcludepkgs = alph?\n');
  writeFileSync(join(root, 'etc/dnf/plugins/versionlock.conf'), '[main]\nenabled = 1\n');
  writeFileSync(
    join(root, 'etc/dnf/plugins/versionlock.list'),
    '# a comment\nbeta-2:1.0-3.el9.*\n!kernel-core-0:5.14.0-427.el9.*\n',
  );
  writeFileSync(
    join(root, 'etc/dnf/versionlock.toml'),
    'version = "1.0"\n[[packages]]\nname = "nodejs"\n[[packages.conditions]]\nkey = "evr"\ncomparator = "="\nvalue = "1:18"\n[[packages]]\nname = "kernel-core"\n[[packages.conditions]]\nkey = "evr"\ncomparator = "!="\nvalue = "1"\n',
  );
  const held = async () => {
    const answer = await readRpmPackages(localHost(root));
    return answer.state === 'seen' ? answer.value.packages.filter(entry => entry.held).map(({name}) => name) : answer;
  };
  t.deepEqual(await held(), ['alpha', 'beta', 'nodejs']);
  writeFileSync(join(root, 'etc/dnf/plugins/versionlock.conf'), '[main]\nenabled = 0\n');
  t.deepEqual(await held(), ['alpha', 'nodejs']);
});

const bdb: Fixture = {files: {'/var/lib/rpm/Packages': 'bdb'}};
const query = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'INSTALLTIME', 'MODULARITYLABEL']
  .map(tag => `%{${tag}}`)
  .join('\\t');
const argv = ['/usr/bin/rpm', '-qa', '--nodigest', '--nosignature', '--qf', `${query}\\n`];

test('readRpmPackages() asks rpm itself for a Berkeley database', async t => {
  const stdout = 'bash\t0\t4.4.20\t5.el8\tx86_64\tbash-4.4.20-5.el8.src.rpm\t1700000000\t(none)\n';
  const answer = await readRpmPackages(memoryHost({...bdb, commands: [{argv, stdout}]}));
  t.is(answer.state, 'seen');
  if (answer.state !== 'seen') return;
  t.like(answer.value.packages[0], {
    name: 'bash',
    version: '4.4.20-5.el8',
    installedMs: 1_700_000_000_000,
    module: null,
  });
});

test('readRpmPackages() does not take a broken answer of rpm for a list', async t => {
  const answer = await readRpmPackages(memoryHost({...bdb, commands: [{argv, stdout: 'bash\t0\n'}]}));
  t.deepEqual(answer, {state: 'unseen', reason: "cannot read /var/lib/rpm/Packages: rpm's answer is not as asked"});
});

test('readRpmPackages() says that it cannot read a Berkeley database in an image', async t => {
  const answer = await readRpmPackages(memoryHost({...bdb, as: 'image'}));
  t.is(answer.state, 'unseen');
});

test('readRpmPackages() tells a host without rpm from one whose database may not be read', async t => {
  t.is((await readRpmPackages(memoryHost({files: {'/etc/hostname': 'a'}}))).state, 'absent');
  const denied = await readRpmPackages(memoryHost({looker: 1000, files: {[path]: {content: 'x', mode: '0600'}}}));
  t.is(denied.state, 'unseen');
});

test('readRpmPackages() does not read beside a transaction that is under way', async t => {
  const answer = await readRpmPackages(memoryHost({files: {[path]: 'x', [`${path}-journal`]: 'y'}}));
  t.true(answer.state === 'unseen' && answer.reason.includes('a transaction is under way'));
});

const base64 = (bytes: Buffer) => ({base64: bytes.toString('base64')});

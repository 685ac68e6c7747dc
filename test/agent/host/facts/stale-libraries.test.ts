import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {accessSync, constants, copyFileSync, mkdtempSync, renameSync, rmSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {collectStaleLibraries, parseMaps} from '../../../../agent/host/facts/stale-libraries.ts';
import {HostTables} from '../../../../agent/host/facts/tables.ts';
import type {Host} from '../../../../agent/host/host.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {StaleLibrariesFact} from '../../../../policies/facts/patch.ts';

async function look(host: Host): Promise<StaleLibrariesFact> {
  const [answer] = await collectStaleLibraries([{}], {host, tables: new HostTables(host)});
  if (answer?.state !== 'seen') throw new Error(JSON.stringify(answer));
  return answer.value;
}

/** A folder outside of /tmp, where files come and go and are not judged; null when nothing else may be written. */
function ownFolder(t: ExecutionContext): string | null {
  for (const parent of [homedir(), process.cwd(), '/var/lib', '/opt']) {
    if (/^\/(?:var\/)?(?:tmp|run|dev)\//.test(`${parent}/`)) continue;
    try {
      accessSync(parent, constants.W_OK);
      const folder = mkdtempSync(join(parent, '.reeve-stale-'));
      t.teardown(() => rmSync(folder, {recursive: true}));
      return folder;
    } catch {}
  }
  t.log('skipped: no folder outside of /tmp may be written');
  t.pass();
  return null;
}

/** A copy of sleep(1) that runs until the test ends. */
async function sleeper(t: ExecutionContext, path: string): Promise<ChildProcess> {
  copyFileSync('/bin/sleep', path);
  const child = spawn(path, ['60'], {stdio: 'ignore'});
  t.teardown(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  await once(child, 'spawn');
  return child;
}

const mine = ({stale}: StaleLibrariesFact, child: ChildProcess) => stale.find(({pid}) => pid === child.pid);

test('collectStaleLibraries() finds a live process whose file was deleted, and not before', async t => {
  const folder = ownFolder(t);
  if (folder === null) return;
  const path = join(folder, 'program');
  const child = await sleeper(t, path);
  const host = localHost('/');
  const before = await look(host);
  t.true(before.scanned > 0);
  t.is(mine(before, child), undefined);
  rmSync(path);
  t.like(mine(await look(host), child), {name: 'program', uid: process.geteuid?.(), executable: true, paths: [path]});
});

test('collectStaleLibraries() finds a live process whose file was replaced, as a package manager does it', async t => {
  const folder = ownFolder(t);
  if (folder === null) return;
  const path = join(folder, 'program');
  const child = await sleeper(t, path);
  copyFileSync('/bin/sleep', `${path}.new`);
  renameSync(`${path}.new`, path);
  t.like(mine(await look(localHost('/')), child), {paths: [path], executable: true});
});

test('collectStaleLibraries() finds a live process whose library was replaced, its program untouched', async t => {
  const folder = ownFolder(t);
  if (folder === null) return;
  const host = localHost('/');
  const mapsOf = async (pid: number | string) => {
    const file = await host.fs.readFile(`/proc/${pid}/maps`);
    return file.ok ? file.value.bytes.toString('latin1') : '';
  };
  const library = /\s(\/\S*\/(?:libc\.so\.6|libc-\S+\.so))$/m.exec(await mapsOf('self'))?.[1] as string;
  const path = join(folder, 'libc.so.6');
  copyFileSync(library, path);
  const child = spawn('/bin/sleep', ['60'], {stdio: 'ignore', env: {LD_LIBRARY_PATH: folder}});
  t.teardown(() => child.kill('SIGKILL'));
  for (let tries = 0; tries < 100 && !(await mapsOf(child.pid as number)).includes(path); tries++) await setTimeout(50);
  t.is(mine(await look(host), child), undefined);
  copyFileSync(library, `${path}.new`);
  renameSync(`${path}.new`, path);
  t.like(mine(await look(host), child), {paths: [path], executable: false});
});

test('collectStaleLibraries() does not take a file whose name ends in "(deleted)" for one', async t => {
  const folder = ownFolder(t);
  if (folder === null) return;
  const child = await sleeper(t, join(folder, 'program (deleted)'));
  t.is(mine(await look(localHost('/')), child), undefined);
});

test('collectStaleLibraries() leaves out memory that is no file, on a live process', async t => {
  const script =
    'import ctypes, mmap, os, time\nf = os.memfd_create("jit")\nos.ftruncate(f, 4096)\nm = mmap.mmap(f, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)\nprint("ready", flush=True)\ntime.sleep(60)';
  const child = spawn('/usr/bin/python3', ['-c', script], {stdio: ['ignore', 'pipe', 'ignore']});
  t.teardown(() => child.kill('SIGKILL'));
  const started = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'error').then(() => false),
    once(child, 'close').then(() => false),
  ]);
  if (!started) {
    t.log('skipped: python3 is not installed');
    t.pass();
    return;
  }
  const maps = await localHost('/').fs.readFile(`/proc/${child.pid}/maps`);
  t.true(maps.ok && /r-xs .*\/memfd:jit \(deleted\)/.test(maps.value.bytes.toString('latin1')));
  t.is(mine(await look(localHost('/')), child), undefined);
});

const line = (path: string, flags = 'r-xp', inode = 77) =>
  `7f0000000000-7f0000001000 ${flags} 00000000 fe:01 ${inode}                     ${path}`;

const left: Array<[title: string, line: string]> = [
  ['memfd', line('/memfd:doublemapper (deleted)')],
  ['System V shared memory', line('/SYSV00000000 (deleted)')],
  ['POSIX shared memory', line('/dev/shm/x (deleted)')],
  ['a device', line('/dev/zero (deleted)')],
  ['asynchronous I/O', line('/[aio] (deleted)')],
  ['temporary files', line('/tmp/jna123.so (deleted)')],
  ['files of /run', line('/run/x (deleted)')],
  ['code made by ORC', line('/home/a/orcexec.Xa1b (deleted)')],
  ['files without a name', line('/home/a/#1234 (deleted)')],
  ['mappings without an inode', line('/usr/lib/x.so (deleted)', 'r-xp', 0)],
  ['data that is not run', line('/usr/lib/x.so (deleted)', 'r--p')],
  ['[vdso]', line('[vdso]')],
  ['a broken line', 'garbage'],
];
for (const [title, text] of left) {
  test(`parseMaps() leaves out ${title}`, t => {
    t.deepEqual(parseMaps(`${text}\n`), []);
  });
}

test('parseMaps() gives each file once, with its device, inode and whether it is deleted', t => {
  const text = [
    line('/usr/lib/a b.so'),
    line('/usr/lib/a b.so'),
    line('/usr/lib/c.so;673f0a11 (deleted)'),
    line('/usr/lib/new\\012line.so'),
  ].join('\n');
  t.deepEqual(parseMaps(text), [
    {path: '/usr/lib/a b.so', deleted: false, device: 0xfe01, inode: 77},
    {path: '/usr/lib/c.so', deleted: true, device: 0xfe01, inode: 77},
    {path: '/usr/lib/new\nline.so', deleted: false, device: 0xfe01, inode: 77},
  ]);
});

const process7 = {
  '/proc/self/ns/mnt': {link: 'mnt:[1]'},
  '/proc/7/ns/mnt': {link: 'mnt:[1]'},
  '/proc/7/status': 'Name:\tconnect\nUid:\t0\t998\t0\t0\n',
  '/proc/7/exe': {link: '/opt/connect'},
  '/proc/7/cgroup': '0::/system.slice/rstudio-connect.service\n',
  '/proc/7/maps': `${line('/usr/lib/libssl.so.3 (deleted)')}\n${line('/opt/connect')}\n`,
};

test('collectStaleLibraries() names the unit, the user and the libraries', async t => {
  const {stale, scanned} = await look(memoryHost({files: process7}));
  t.is(scanned, 1);
  t.deepEqual(stale, [
    {
      pid: 7,
      name: 'connect',
      uid: 998,
      unit: 'rstudio-connect.service',
      executable: false,
      paths: ['/usr/lib/libssl.so.3'],
    },
  ]);
});

test('collectStaleLibraries() compares inodes in its own mount namespace, on the device that is mapped', async t => {
  const fixture = (namespace: string, device: number) => ({
    ...process7,
    '/proc/7/ns/mnt': {link: namespace},
    '/proc/7/maps': `${line('/usr/lib/libssl.so.3')}\n`,
    '/usr/lib/libssl.so.3': {content: 'new', device},
  });
  const paths = async (files: ReturnType<typeof fixture>) =>
    (await look(memoryHost({files}))).stale.flatMap(entry => entry.paths);
  t.deepEqual(await paths(fixture('mnt:[1]', 0xfe01)), ['/usr/lib/libssl.so.3']);
  t.deepEqual(await paths(fixture('mnt:[2]', 0xfe01)), [], 'the path is another in that namespace');
  t.deepEqual(await paths(fixture('mnt:[1]', 1)), [], 'inodes of different devices say nothing');
  const btrfs = '30 1 0:25 / /usr rw - btrfs /dev/sda1 rw\n';
  t.deepEqual(await paths({...fixture('mnt:[1]', 1), '/proc/self/mountinfo': btrfs} as never), [
    '/usr/lib/libssl.so.3',
  ]);
});

test('collectStaleLibraries() names processes that it may not look into, and passes over kernel threads', async t => {
  const files = {
    '/proc/2/maps': '',
    '/proc/2/comm': 'kthreadd\n',
    '/proc/9/maps': {content: 'x', mode: '0400'},
    '/proc/9/comm': 'secret\n',
    '/proc/10/comm': 'ended\n',
  };
  const fact = await look(memoryHost({looker: 1000, files}));
  t.is(fact.scanned, 0);
  t.deepEqual(
    fact.unreadable.map(({pid, name}) => [pid, name]),
    [[9, 'secret']],
  );
});

test('collectStaleLibraries() is live-only for an image', async t => {
  const host = memoryHost({as: 'image', files: {}});
  const [answer] = await collectStaleLibraries([{}], {host, tables: new HostTables(host)});
  t.is(answer?.state, 'live-only');
});

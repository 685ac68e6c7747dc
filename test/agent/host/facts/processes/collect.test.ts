import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {realpathSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {collectProcesses} from '../../../../../agent/host/facts/processes/collect.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import type {Host} from '../../../../../agent/host/host.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {ProcessFact} from '../../../../../policies/facts/processes.ts';
import {procFiles} from '../../../../helpers/proc.ts';

async function look(host: Host) {
  const [answer] = await collectProcesses([{}], {host, tables: new HostTables(host)});
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function lookAt(fixture: Fixture): Promise<ProcessFact[]> {
  const answer = await look(memoryHost(fixture));
  if (answer.state !== 'seen') throw new Error(JSON.stringify(answer));
  return answer.value;
}

test('collectProcesses() gives one row a process, with its unit, start and executable', async t => {
  const files = {
    ...procFiles({
      pid: 7,
      name: 'ap p',
      start: 250,
      exe: '/usr/bin/app (deleted)',
      groups: [4],
      label: 'p (enforce)\n',
    }),
    '/proc/stat': 'cpu 1\nbtime 1795258800\n',
  };
  const [process, ...rest] = await lookAt({files});
  t.is(rest.length, 0);
  t.like(process, {
    pid: 7,
    parent: 1,
    name: 'ap p',
    kernelThread: false,
    exe: '/usr/bin/app',
    exeDeleted: true,
    groups: [4],
    cgroup: '/system.slice/app.service',
    unit: 'app.service',
    startedAt: new Date(1_795_258_802_500).toISOString(),
    label: 'p (enforce)',
    unseen: {},
  });
});

test('collectProcesses() takes the uptime where it is finer than btime', async t => {
  const files = {
    ...procFiles({pid: 7, start: 0}),
    '/proc/stat': `btime ${Date.parse('2026-11-21T11:00:00Z') / 1000}\n`,
  };
  const [process] = await lookAt({files, booted: '2026-11-21T11:00:00.700Z'});
  t.is(process?.startedAt, '2026-11-21T11:00:00.700Z');
});

test('collectProcesses() leaves out zombies and processes that end while they are looked at', async t => {
  const files: NonNullable<Fixture['files']> = {
    ...procFiles({pid: 7, state: 'Z'}),
    ...procFiles({pid: 8}),
    ...procFiles({pid: 9}),
    '/proc/8/status': {read_error: 'ESRCH'},
    '/proc/uptime': '1 1\n',
  };
  t.deepEqual(
    (await lookAt({files})).map(({pid}) => pid),
    [9],
  );
});

test('collectProcesses() names what it could not see', async t => {
  const files = {...procFiles({pid: 7}), '/proc/7/exe': {error: 'EACCES'}, '/proc/7/cgroup': {read_error: 'EACCES'}};
  const [process] = await lookAt({files});
  t.like(process, {exe: null, label: null, cgroup: null, unit: null});
  t.deepEqual(Object.keys(process?.unseen ?? {}).sort(), ['cgroup', 'exe', 'label', 'unit']);
  t.regex(process?.unseen.label ?? '', /EINVAL/);
});

test('collectProcesses() prefers the label of AppArmor, and takes attr/current where that gives EINVAL', async t => {
  const own = {
    ...procFiles({pid: 7, label: 'unconfined\n'}),
    '/proc/7/attr/apparmor/current': '/usr/bin/app (complain)\n',
  };
  t.is((await lookAt({files: own}))[0]?.label, '/usr/bin/app (complain)');
  const other = {
    ...procFiles({pid: 7, label: 'system_u:system_r:sshd_t:s0\0'}),
    '/proc/7/attr/apparmor/current': {read_error: 'EINVAL'},
  };
  t.is((await lookAt({files: other}))[0]?.label, 'system_u:system_r:sshd_t:s0');
});

test('collectProcesses() does not ask a kernel thread for an executable', async t => {
  const [process] = await lookAt({files: procFiles({pid: 7, parent: 2, flags: 0x208040})});
  t.like(process, {kernelThread: true, exe: null, unseen: {}});
});

test('collectProcesses() sees nothing of an image', async t => {
  t.is((await look(memoryHost({as: 'image'}))).state, 'live-only');
});

const damaged: Array<[what: string, files: NonNullable<Fixture['files']>]> = [
  ['a status that may not be read', {'/proc/7/status': {read_error: 'EACCES'}}],
  [
    'a status without its capabilities',
    {'/proc/7/status': 'Name:\tx\nState:\tS\nUid:\t0 0 0 0\nGid:\t0 0 0 0\nGroups:\t\n'},
  ],
];
for (const [what, files] of damaged) {
  test(`collectProcesses() is unseen as a whole for ${what}`, async t => {
    t.is((await look(memoryHost({files: {...procFiles({pid: 7}), ...files}}))).state, 'unseen');
  });
}

const mountinfo = (options: string) => `22 27 0:21 / /proc rw,relatime - proc proc rw${options}\n`;
test('collectProcesses() is unseen to an ordinary user where hidepid hides others', async t => {
  const files = {...procFiles({pid: 7}), '/proc/self/mountinfo': mountinfo(',hidepid=invisible')};
  const hidden = await look(memoryHost({looker: 1000, files}));
  t.regex(hidden.state === 'unseen' ? hidden.reason : '', /hidepid=invisible/);
  t.is((await look(memoryHost({looker: 0, files}))).state, 'seen');
  t.is(
    (await look(memoryHost({looker: 1000, files: {...files, '/proc/self/mountinfo': mountinfo('')}}))).state,
    'seen',
  );
  t.is(
    (await look(memoryHost({looker: 1000, files: {...files, ...procFiles({pid: 1, parent: 0})}}))).state,
    'seen',
    'a member of the gid= group sees all',
  );
});

test('collectProcesses() is unseen when more processes run than it looks at', async t => {
  const files = Object.fromEntries(Array.from({length: 32_769}, (_, index) => [`/proc/${index + 1}/`, {}]));
  t.is((await look(memoryHost({files}))).state, 'unseen');
});

async function withChild(t: ExecutionContext, argv: [string, ...string[]]): Promise<ProcessFact | undefined> {
  const child = spawn(argv[0], argv.slice(1), {stdio: ['pipe', 'pipe', 'inherit']});
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const answer = await look(localHost('/'));
  if (answer.state !== 'seen') throw new Error(JSON.stringify(answer));
  return answer.value.find(({pid}) => pid === child.pid);
}

test('collectProcesses() finds a child of this test on the live machine', async t => {
  const before = Date.now();
  const script = 'process.title = "a (b) c"; console.log("ready"); setInterval(() => {}, 1000)';
  const found = await withChild(t, [process.execPath, '-e', script]);
  t.like(found, {
    parent: process.pid,
    name: 'a (b) c',
    kernelThread: false,
    exe: realpathSync(process.execPath),
    exeDeleted: false,
    uids: {real: process.getuid?.(), effective: process.geteuid?.()},
  });
  t.deepEqual(
    found?.groups.toSorted(),
    process
      .getgroups?.()
      .filter(gid => gid !== process.getgid?.() || found?.groups.includes(gid))
      .toSorted(),
  );
  t.true(
    Math.abs(Date.parse(found?.startedAt ?? '') - before) < 2000,
    `${found?.startedAt} against ${new Date(before).toISOString()}`,
  );
});

test('collectProcesses() sees no_new_privs that setpriv(1) sets', async t => {
  const found = await withChild(t, ['/usr/bin/setpriv', '--no-new-privs', '/bin/sh', '-c', 'echo ready; read x']);
  t.true(found?.noNewPrivileges);
  t.is(found?.exe, realpathSync('/bin/sh'));
});

import test from 'ava';
import {parseCgroup, unitOfCgroup} from '../../../../../agent/host/facts/processes/cgroup.ts';
import {parseArguments, parseProcStat, parseProcStatus} from '../../../../../agent/host/facts/processes/parse.ts';

const stat = (name: string, flags = 0) =>
  Buffer.from(`42 (${name}) S 7 1 1 0 -1 ${flags} 0 0 0 0 0 0 0 0 20 0 1 0 160051 1 1\n`);

for (const name of ['bash', '(sd-pam)', 'a) R 1 1 1', 'with\nline', '', ' ']) {
  test(`parseProcStat() of the name ${JSON.stringify(name)}`, t => {
    t.deepEqual(parseProcStat(stat(name)), {name, state: 'S', parent: 7, kernelThread: false, startTicks: 160_051});
  });
}

test('parseProcStat() knows a kernel thread by its flag, not by its parent', t => {
  t.true(parseProcStat(stat('kworker/0:1', 0x208040))?.kernelThread);
  const childOfTwo = Buffer.from(stat('helper').toString().replace(' S 7 ', ' S 2 '));
  t.false(parseProcStat(childOfTwo)?.kernelThread);
});

test('parseProcStat() keeps the bytes of a name that is not UTF-8', t => {
  const bytes = Buffer.concat([Buffer.from('42 ('), Buffer.from([0xff, 0x61]), stat('').subarray(4)]);
  t.is(parseProcStat(bytes)?.name, '\udcffa');
});

for (const text of ['', '42', '42 (x) S', '42 )x( S 7', '42 (x) S seven 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1']) {
  test(`parseProcStat() refuses ${JSON.stringify(text)}`, t => t.is(parseProcStat(Buffer.from(text)), null));
}

const status = `Name:\tevil
Umask:\t0022
Uid:\t1000\t0\t0\t0
Gid:\t1000\t1000\t1000\t1000
Groups:\t4 27 1000\x20
CapInh:\t0000000000000000
CapPrm:\t000001ffffffffff
CapEff:\t0000000000000400
CapBnd:\t000001ffffffffff
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t1
`;

test('parseProcStatus() reads ids, groups, capabilities, no_new_privs and seccomp', t => {
  t.deepEqual(parseProcStatus(status), {
    uids: {real: 1000, effective: 0, saved: 0, filesystem: 0},
    gids: {real: 1000, effective: 1000, saved: 1000, filesystem: 1000},
    groups: [4, 27, 1000],
    capabilities: {
      effective: '0000000000000400',
      permitted: '000001ffffffffff',
      bounding: '000001ffffffffff',
      ambient: '0000000000000000',
      inheritable: '0000000000000000',
    },
    noNewPrivileges: true,
    seccomp: 2,
  });
});

for (const line of ['Uid', 'Gid', 'Groups', 'CapEff', 'CapBnd', 'CapPrm', 'CapInh']) {
  test(`parseProcStatus() names the line ${line} when it is missing`, t => {
    t.deepEqual(parseProcStatus(status.replace(new RegExp(`^${line}:.*\n`, 'm'), '')), {missing: line});
  });
}

test('parseProcStatus() leaves open what an old kernel does not write', t => {
  const parsed = parseProcStatus(status.replace(/^(?:NoNewPrivs|Seccomp).*\n/gm, ''));
  t.like(parsed, {noNewPrivileges: null, seccomp: null});
});

test('parseArguments() keeps empty arguments and takes a line without a last NUL', t => {
  t.deepEqual(parseArguments(Buffer.from('a\0\0b\0')), ['a', '', 'b']);
  t.deepEqual(parseArguments(Buffer.from('nginx: worker')), ['nginx: worker']);
  t.deepEqual(parseArguments(Buffer.alloc(0)), []);
});

const cgroups: Array<[what: string, text: string, path: string | null]> = [
  ['version 2', '0::/system.slice/ssh.service\n', '/system.slice/ssh.service'],
  [
    'version 1, where the unified one is empty',
    '9:name=systemd:/system.slice/ssh.service\n1:cpu:/x\n0::/\n',
    '/system.slice/ssh.service',
  ],
  ['a deleted cgroup', '0::/system.slice/old.service (deleted)\n', '/system.slice/old.service'],
  ['neither', '3:cpu:/a\n', null],
];
for (const [what, text, path] of cgroups) {
  test(`parseCgroup() of ${what}`, t => t.is(parseCgroup(text), path));
}

const units: Array<[path: string, unit: string | null]> = [
  ['/system.slice/ssh.service', 'ssh.service'],
  ['/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service'],
  ['/app.slice/app-posit.slice/rstudio-connect.service/payload/job-7', 'rstudio-connect.service'],
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/rstudio-connect.service', 'user@1000.service'],
  ['/user.slice/user-1000.slice/session-3.scope', 'session-3.scope'],
  ['/system.slice/_cpu.service', 'cpu.service'],
  ['/system.slice/dev-disk-by\\x2duuid-1.swap', 'dev-disk-by\\x2duuid-1.swap'],
  ['/init.scope', 'init.scope'],
  ['/system.slice', null],
  ['/', null],
  ['/docker/0123456789ab', null],
  ['/../../other', null],
];
for (const [path, unit] of units) {
  test(`unitOfCgroup() of ${path}`, t => t.is(unitOfCgroup(path), unit));
}

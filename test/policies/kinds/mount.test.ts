import test from 'ava';
import {type Answer, absent, liveOnly, seen, unseen} from '../../../policies/facts/answer.ts';
import type {Facts} from '../../../policies/facts/index.ts';
import type {FstabFact, MountFact} from '../../../policies/facts/mounts.ts';
import {effectiveOptions} from '../../../policies/kinds/mount/options.ts';
import {visibleMounts} from '../../../policies/kinds/mount/visible.ts';
import {mountKind} from '../../../policies/kinds/mount.ts';
import {cpuMs} from '../../helpers/cpu.ts';

let ids = 100;
const root: MountFact = {
  id: 1,
  parent: 0,
  device: '8:1',
  root: '/',
  point: '/',
  options: ['rw'],
  fstype: 'ext4',
  source: '/dev/sda1',
  superOptions: ['rw'],
};
const mounted = (point: string, options: string, over: Partial<MountFact> = {}): MountFact => ({
  ...root,
  id: ids++,
  parent: 1,
  point,
  options: options.split(','),
  ...over,
});
const line = (point: string, options: string, over: Partial<FstabFact> = {}): FstabFact => ({
  point,
  source: '/dev/sdb',
  fstype: 'ext4',
  options: options.split(','),
  where: '/etc/fstab:7',
  unit: null,
  ...over,
});

function judge(
  check: object,
  mounts: Answer<MountFact[]> | MountFact[],
  fstab: Answer<FstabFact[]> | FstabFact[] = [],
) {
  const answers = {
    mounts: Array.isArray(mounts) ? seen([root, ...mounts], ['/proc/self/mountinfo']) : mounts,
    fstab: Array.isArray(fstab) ? seen(fstab, ['/etc/fstab']) : fstab,
  };
  const facts = {get: ({fact}: {fact: 'mounts' | 'fstab'}) => answers[fact]} as unknown as Facts;
  return mountKind.judge(check as never, facts, {now: 0, rule: 'test'});
}
const verdict = (...args: Parameters<typeof judge>) =>
  judge(...args)
    .map(judgement => judgement.verdict)
    .join();
const hard = {point: '/tmp', options_include: ['nosuid', 'nodev']};

test('mountKind tells what is wrong now from what is wrong at the next boot', t => {
  t.like(judge(hard, [mounted('/tmp', 'rw,nosuid')], [line('/tmp', 'nosuid,nodev')])[0], {
    verdict: 'fail',
    scope: 'effective',
    compared: [
      {what: 'options now', ok: false},
      {what: 'options at next boot', ok: true},
    ],
    cure: 'mount -o remount,nodev /tmp',
    where: ['/proc/self/mountinfo', '/etc/fstab:7'],
  });
  t.like(judge(hard, [mounted('/tmp', 'rw,nosuid,nodev')], [line('/tmp', 'defaults')])[0], {
    verdict: 'fail',
    compared: [
      {what: 'options now', ok: true},
      {what: 'options at next boot', ok: false},
    ],
    cure: 'add nosuid,nodev in the options at /etc/fstab:7',
  });
});

test('mountKind speaks of the running mount alone where nothing names the point', t => {
  t.like(judge(hard, [mounted('/tmp', 'nosuid,nodev')])[0], {
    verdict: 'pass',
    scope: 'runtime',
    where: ['/proc/self/mountinfo'],
  });
});

test('mountKind cures bind mounts, units and options that can only go away', t => {
  t.like(judge(hard, [mounted('/tmp', 'rw', {root: '/srv/tmp'})])[0], {
    cure: 'mount -o remount,bind,nosuid,nodev /tmp',
  });
  const unit = line('/tmp', 'mode=1777', {unit: 'tmp.mount', where: '/usr/lib/systemd/system/tmp.mount:5'});
  t.like(judge(hard, [], [unit])[0], {
    cure: 'add nosuid,nodev in Options= of [Mount] at /usr/lib/systemd/system/tmp.mount:5 (systemctl edit tmp.mount)',
  });
  t.like(
    judge({point: '/tmp', options_exclude: ['exec', 'noauto']}, [mounted('/tmp', 'rw')], [line('/tmp', 'noauto')])[0],
    {
      cure: 'mount -o remount,noexec /tmp; add noexec and take noauto away in the options at /etc/fstab:7',
    },
  );
});

for (const [given, has, lacks] of [
  ['defaults', ['rw', 'suid', 'dev', 'exec'], ['nosuid']],
  ['nosuid,defaults', ['nosuid'], ['suid']],
  ['nosuid,suid', ['suid'], ['nosuid']],
  ['user', ['nosuid', 'nodev', 'noexec'], ['exec']],
  ['user,exec', ['nosuid', 'nodev', 'exec'], ['noexec']],
  ['owner', ['nosuid', 'nodev', 'exec'], []],
  ['ro,hidepid=invisible', ['ro', 'hidepid=2'], ['rw']],
] as const) {
  test(`effectiveOptions() of ${given}`, t => {
    const options = effectiveOptions(given.split(','));
    for (const option of has) t.true(options.has(option), option);
    for (const option of lacks) t.false(options.has(option), option);
  });
}

test('mountKind takes a mount for read-only when its file system is', t => {
  const mount = mounted('/tmp', 'rw', {superOptions: ['ro']});
  t.is(verdict({point: '/tmp', options_include: ['ro']}, [mount]), 'pass');
});

test('mountKind matches an option without its value, and one with it exactly', t => {
  const mount = mounted('/tmp', 'rw', {superOptions: ['rw', 'size=1G']});
  t.is(verdict({point: '/tmp', options_include: ['size']}, [mount]), 'pass');
  t.is(verdict({point: '/tmp', options_include: ['size=2G']}, [mount]), 'fail');
});

test('mountKind judges the mount that is seen, not one that another covers', t => {
  const first = mounted('/tmp', 'nosuid,nodev');
  const second = mounted('/tmp', 'rw', {parent: first.id});
  t.is(verdict(hard, [first, second]), 'fail');
  const inner = mounted('/a/b', 'nosuid');
  const cover = mounted('/a', 'rw');
  const points = visibleMounts([root, inner, cover]);
  t.deepEqual([...points.keys()], ['/', '/a']);
});

test('visibleMounts() is linear in the mounts of one directory', t => {
  const many = Array.from({length: 50_000}, (_, index) => mounted(`/m/${index}`, 'rw'));
  const started = process.cpuUsage();
  t.is(visibleMounts([root, ...many]).size, 50_001);
  t.true(cpuMs(started) < 5000);
});

test('visibleMounts() ends on mounts that stand on each other', t => {
  const loop = [
    mounted('/a', 'rw', {id: 5}),
    mounted('/a', 'rw', {id: 5, parent: 5}),
    mounted('/a', 'rw', {id: 5, parent: 5}),
  ];
  t.deepEqual([...visibleMounts([root, ...loop]).keys()], ['/', '/a']);
});

test('mountKind judges a file system of its own', t => {
  const check = {point: '/var', separate: true};
  t.is(verdict(check, [mounted('/var', 'rw')]), 'pass');
  t.like(judge(check, [])[0], {verdict: 'fail', compared: [{what: 'mounted now', expected: true, actual: false}]});
  t.is(verdict(check, liveOnly('what is mounted'), [line('/var', 'defaults')]), 'pass');
  t.is(verdict(check, liveOnly('what is mounted'), []), 'fail');
  t.is(verdict(check, unseen('denied'), []), 'unknown');
});

test('mountKind judges every mount of some types', t => {
  const mounts = [mounted('/srv', 'rw', {fstype: 'nfs4'}), mounted('/home', 'nosuid', {fstype: 'nfs4'})];
  const check = {fstype: ['nfs', 'nfs4'], options_include: ['nosuid']};
  t.deepEqual(
    judge(check, mounts, [line('/data', 'nosuid', {fstype: 'nfs'})]).map(({subject, verdict: said}) => [subject, said]),
    [
      ['/data', 'pass'],
      ['/home', 'pass'],
      ['/srv', 'fail'],
    ],
  );
  t.is(verdict(check, []), 'none');
  t.is(verdict(check, unseen('denied')), 'unknown');
  t.is(verdict(check, [], unseen('denied')), 'unknown');
});

test('mountKind judges types', t => {
  const check = {point: '/tmp', fstype_in: ['tmpfs']};
  t.is(verdict(check, [mounted('/tmp', 'rw', {fstype: 'tmpfs'})], [line('/tmp', 'rw', {fstype: 'ext4'})]), 'fail');
  t.is(verdict(check, [mounted('/tmp', 'rw', {fstype: 'tmpfs'})], [line('/tmp', 'rw', {fstype: 'auto'})]), 'pass');
});

for (const [what, mounts, fstab, wanted] of [
  ['nothing is mounted there', [], [], 'none'],
  ['mounts are unreadable', unseen('denied'), [line('/tmp', 'nosuid,nodev')], 'unknown'],
  ['mounts are unreadable and fstab is wrong', unseen('denied'), [line('/tmp', 'defaults')], 'fail'],
  ['fstab is unreadable', [mounted('/tmp', 'nosuid,nodev')], unseen('denied'), 'unknown'],
  ['an image is judged', liveOnly('what is mounted'), [line('/tmp', 'nosuid,nodev')], 'pass'],
  ['an image without a line is judged', liveOnly('what is mounted'), absent('there is no fstab'), 'none'],
] as const) {
  test(`mountKind is ${wanted} when ${what}`, t => {
    t.is(verdict(hard, mounts as unknown as MountFact[], fstab as unknown as FstabFact[]), wanted);
  });
}

test('mountKind looks only where the rule says', t => {
  const mounts = [mounted('/tmp', 'nosuid,nodev')];
  const fstab = [line('/tmp', 'defaults')];
  t.is(verdict({...hard, of: ['runtime']}, mounts, fstab), 'pass');
  t.is(verdict({...hard, of: ['persistent']}, mounts, fstab), 'fail');
  t.is(verdict({...hard, of: ['persistent']}, mounts, []), 'none');
  t.is(verdict({...hard, of: ['runtime']}, liveOnly('what is mounted'), fstab), 'not-applicable');
});

for (const [check, count] of [
  [{}, 2],
  [{point: '/tmp', fstype: ['nfs'], separate: true}, 2],
  [{point: '/tmp'}, 1],
  [hard, 0],
] as const) {
  test(`mountKind finds ${count} problems in ${JSON.stringify(check)}`, t => {
    t.is(mountKind.problems?.(check as never).length, count);
  });
}

test('mountKind turns each expectation', t => {
  const check = {
    point: '/tmp',
    separate: true,
    options_include: ['nosuid', 'nodev'],
    options_exclude: ['exec'],
    fstype_in: ['tmpfs'],
  };
  const facts = [
    [mounted('/tmp', 'nosuid,nodev,noexec', {fstype: 'tmpfs'})],
    [line('/tmp', 'nosuid,nodev,noexec', {fstype: 'tmpfs'})],
  ] as const;
  t.is(verdict(check, [...facts[0]], [...facts[1]]), 'pass');
  const flips = mountKind.flips(check as never);
  t.is(flips.length, 5);
  for (const flip of flips) t.is(verdict(flip.check, [...facts[0]], [...facts[1]]), 'fail', flip.what);
});

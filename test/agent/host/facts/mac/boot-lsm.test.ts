import test from 'ava';
import {
  type BuiltLsms,
  enforcingWord,
  lsmAtBoot,
  parseKernelConfig,
  type RunningLsms,
} from '../../../../../agent/host/facts/mac/boot-lsm.ts';

const debian: BuiltLsms = {
  order: ['landlock', 'lockdown', 'yama', 'apparmor', 'selinux', 'smack', 'tomoyo', 'bpf'],
  built: new Set(['selinux', 'apparmor']),
  where: '/boot/config',
};
const running: RunningLsms = {lsms: ['lockdown', 'apparmor'], arguments: ['quiet'], where: '/sys/kernel/security/lsm'};

const cases: Array<[words: string, name: 'selinux' | 'apparmor', built: BuiltLsms | null, on: boolean | null]> = [
  ['quiet', 'apparmor', debian, true],
  ['quiet', 'selinux', debian, false],
  ['security=selinux', 'selinux', debian, true],
  ['security=selinux', 'apparmor', debian, false],
  ['security=selinux selinux=0', 'selinux', debian, false],
  ['security=selinux selinux=0 selinux=1', 'selinux', debian, true],
  ['apparmor=0', 'apparmor', debian, false],
  ['apparmor=0', 'selinux', debian, true],
  ['apparmor=00', 'apparmor', debian, false],
  ['apparmor=no', 'apparmor', debian, true],
  ['lsm=landlock,yama', 'apparmor', debian, false],
  ['lsm=yama,selinux,apparmor', 'selinux', debian, true],
  ['lsm=yama,selinux,apparmor', 'apparmor', debian, false],
  ['lsm=apparmor security=selinux', 'apparmor', debian, true],
  ['security=tomoyo', 'apparmor', debian, false],
  ['quiet root=/dev/sda', 'selinux', {...debian, built: new Set(['apparmor'])}, false],
  ['apparmor=0', 'apparmor', null, false],
  ['security=apparmor', 'apparmor', null, true],
  ['quiet', 'apparmor', null, true],
  ['quiet security=', 'apparmor', null, null],
];

for (const [words, name, built, on] of cases) {
  test(`lsmAtBoot() ${name} with "${words}"${built === null ? ', kernel configuration not seen' : ''}: ${on}`, t => {
    t.is(lsmAtBoot(name, words.split(' '), built, running).on, on);
  });
}

test('lsmAtBoot() says that it cannot tell when nothing is known of the kernel', t => {
  t.is(lsmAtBoot('apparmor', ['quiet'], null, null).on, null);
});

test('enforcingWord() lets a 0 win, since old and new libselinux take different ones', t => {
  t.is(enforcingWord(['quiet']), null);
  t.is(enforcingWord(['enforcing=1'])?.enforcing, true);
  t.is(enforcingWord(['enforcing=0', 'enforcing=1'])?.enforcing, false);
  t.is(enforcingWord(['enforcing=yes'])?.enforcing, false);
});

test('parseKernelConfig() reads CONFIG_LSM, and the one LSM of older kernels', t => {
  const text = 'CONFIG_SECURITY_SELINUX=y\n# CONFIG_SECURITY_APPARMOR is not set\n';
  const built = parseKernelConfig(`${text}CONFIG_LSM="yama,selinux"\n`, 'c');
  t.deepEqual(built?.order, ['yama', 'selinux']);
  t.deepEqual([...(built?.built ?? [])], ['selinux']);
  t.deepEqual(parseKernelConfig(`${text}CONFIG_DEFAULT_SECURITY="selinux"\n`, 'c')?.order, ['selinux']);
  t.is(parseKernelConfig(text, 'c'), null);
});

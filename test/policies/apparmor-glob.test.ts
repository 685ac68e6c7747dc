import test from 'ava';
import {apparmorGlob} from '../../policies/apparmor-glob.ts';
import {cpuMs} from '../helpers/cpu.ts';

const cases: Array<[pattern: string, path: string, matches: boolean]> = [
  ['/usr/sbin/cupsd', '/usr/sbin/cupsd', true],
  ['/usr/sbin/cupsd', '/usr/sbin/cupsd2', false],
  ['/usr/bin/*', '/usr/bin/man', true],
  ['/usr/bin/*', '/usr/bin/a/b', false],
  ['/usr/bin/*', '/usr/bin/', false],
  ['/usr/**', '/usr/lib/x/y', true],
  ['/usr/**', '/usr/', false],
  ['/opt/**/bin/app', '/opt/a/b/bin/app', true],
  ['/{usr/,}bin/{,iputils-}ping', '/bin/iputils-ping', true],
  ['/{usr/,}bin/{,iputils-}ping', '/usr/bin/ping', true],
  ['/{usr/,}bin/{,iputils-}ping', '/usr/sbin/ping', false],
  ['/usr/{{bin,sbin}/traceroute,bin/traceroute.db}', '/usr/bin/traceroute.db', true],
  ['/usr/lib/app-?.?', '/usr/lib/app-1.2', true],
  ['/usr/lib/app-?', '/usr/lib/app-/', false],
  ['/srv/app[0-9a]', '/srv/app7', true],
  ['/srv/app[0-9a]', '/srv/appb', false],
  ['/srv/app[^0-9]', '/srv/app7', false],
  ['/srv/a\\*b', '/srv/a*b', true],
  ['/srv/a\\*b', '/srv/axb', false],
  ['/snap/{x,y}/**.so', '/snap/y/1/lib.so', true],
];

for (const [pattern, path, matches] of cases) {
  test(`apparmorGlob() ${pattern} ${matches ? 'matches' : 'leaves'} ${path}`, t => {
    const glob = apparmorGlob(pattern);
    t.is(glob?.(path), matches);
  });
}

test('apparmorGlob() refuses a pattern that is broken or too large', t => {
  t.is(apparmorGlob('/usr/{bin,sbin'), null);
  t.is(apparmorGlob('/usr/[a-z'), null);
  t.is(apparmorGlob(`/${'a'.repeat(5000)}`), null);
  t.is(apparmorGlob(`/${'{a,'.repeat(200)}${'}'.repeat(200)}`), null);
});

test('apparmorGlob() takes bounded time for a pattern that backtracking would never finish', t => {
  const glob = apparmorGlob(`/${'{a*,a**,*a}'.repeat(40)}b`);
  const started = process.cpuUsage();
  t.is(glob?.(`/${'a'.repeat(2000)}`), false);
  t.true(cpuMs(started) < 5000);
});

import test from 'ava';
import {doctor} from '../../agent/doctor.ts';
import {ReeveError} from '../../agent/errors.ts';
import type {Fixture} from '../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../agent/host/memory/host.ts';

const files: Fixture['files'] = {
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  '/proc/self/status': 'Name:\tnode\n',
  '/proc/self/mountinfo':
    '25 1 0:5 / /sys rw - sysfs sysfs rw\n26 25 0:6 / /sys/kernel/security rw - securityfs securityfs rw\n',
  '/sys/kernel/security/lsm': 'lockdown,capability,yama,apparmor',
};

async function lacking(fixture: Fixture, load = async () => '3 packs load'): Promise<string[]> {
  const {json, text} = await doctor(memoryHost(fixture), {load}, 80);
  if (!text.every(line => line.length <= 80)) throw new Error(text.join('\n'));
  return (json as Array<{what: string; state: string}>).filter(({state}) => state === 'lacks').map(({what}) => what);
}

test('doctor() names what an ordinary user cannot see', async t => {
  const seen = await lacking({files});
  t.false(seen.includes('privilege'));
  t.deepEqual(
    (await lacking({files, looker: 1000})).filter(what => !seen.includes(what)),
    ['privilege'],
  );
});

test('doctor() says how to get the kernel to tell its security modules', async t => {
  const {'/sys/kernel/security/lsm': _, ...without} = files;
  const bare = {...without, '/proc/self/mountinfo': '25 1 0:5 / /sys rw - sysfs sysfs rw\n'};
  t.true((await lacking({files: bare})).includes('access control'));
  t.false((await lacking({files})).includes('access control'));
  const {text} = await doctor(memoryHost({files: bare}), {load: async () => ''}, 80);
  t.regex(text.join('\n'), /cure: mount -t securityfs securityfs/);
});

test('doctor() shows why the packs do not load, and goes on', async t => {
  const broken = async () => {
    throw new ReeveError('REEVE_PACK_INVALID', 'cannot load the packs: 1 problem');
  };
  t.true((await lacking({files}, broken)).includes('configuration'));
});

import test from 'ava';
import {localHost} from '../../agent/host/local/host.ts';
import type {Fixture} from '../../agent/host/memory/fixture.ts';
import {macReport} from '../../agent/mac.ts';
import {recordedHost} from '../helpers/hosts.ts';

const report = (name: string, units: string[] = [], over: Fixture = {}) =>
  macReport(recordedHost(name, over), {units, hours: 24});
const hosts = [
  'rocky9-selinux-enforcing',
  'rocky9-selinux-no-policy',
  'fedora43-selinux-off-at-next-boot',
  'debian12-apparmor',
  'debian12-apparmor-off',
  'ubuntu2404-complain',
  'container-no-lsm',
];

for (const name of hosts) {
  test(`macReport() of ${name} fits a terminal of 80 columns, has every section and is plain data`, async t => {
    const {json, text} = await report(name);
    t.deepEqual(
      text.filter(line => line.length > 80),
      [],
    );
    for (const section of ['SELinux', 'AppArmor', 'Services', 'Denials, last 24 h'])
      t.true(text.includes(section), section);
    t.deepEqual(JSON.parse(JSON.stringify(json)), json);
  });
}

test('macReport() shows what runs, what is configured and what comes next, each with its place', async t => {
  const text = (await report('fedora43-selinux-off-at-next-boot')).text.join('\n');
  t.regex(text, /running +enforcing \[\/sys\/fs\/selinux\/enforce\]/);
  t.regex(text, /configured +enforcing \[\/etc\/selinux\/config:7\]/);
  t.regex(text, /next boot +disabled: selinux=0/);
  t.regex(text, /permissive now +batch_t, web_t/);
  t.regex(text, /running and persistent differ: web_sends_mail \(on,\s+off\)/);
});

test('macReport() shows profiles by mode, those not loaded, those without a file, and processes outside', async t => {
  const text = (await report('ubuntu2404-complain')).text.join('\n');
  t.regex(text, /profiles +1 kill, 1 unconfined, 1 user, 3 complain, 7 enforce/);
  t.regex(text, /not loaded +lax/);
  t.regex(text, /no file +\/snap\/snapd/);
  t.regex(text, /\/usr\/sbin\/rsyslogd \[pid 701, rsyslog\.service\]: unconfined,\s+profile rsyslogd/);
});

test('macReport() shows the units that were asked for, and says which do not run', async t => {
  const {text} = await report('debian12-apparmor', ['chrony', 'nginx.service']);
  const services = text.slice(text.indexOf('Services') + 1, text.indexOf('Denials, last 24 h') - 1);
  t.deepEqual(services, [
    '  chrony',
    '    confined     AppArmor profile /usr/sbin/chronyd (enforce) [pid 640]',
    '  nginx.service: no processes',
  ]);
});

test('macReport() says that something is unknown when it is, and not when all was seen', async t => {
  t.false((await report('rocky9-selinux-enforcing')).verdictUnknown);
  t.false((await report('debian12-apparmor')).verdictUnknown);
  t.true((await report('container-no-lsm')).verdictUnknown);
  t.true((await report('rocky9-selinux-enforcing', [], {looker: 1000})).verdictUnknown);
  const lossy: Fixture = {commands: [{argv: ['/usr/sbin/auditctl', '-s'], stdout: 'lost 3\n'}]};
  t.true((await report('rocky9-selinux-enforcing', [], lossy)).verdictUnknown);
});

test('macReport() gives the reason for what it could not see', async t => {
  const text = (await report('container-no-lsm')).text.join(' ').replace(/\s+/g, ' ');
  t.regex(text, /kernel unknown: securityfs is not mounted/);
  t.regex(text, /dmesg: exit status 1: dmesg: read kernel buffer failed/);
});

test('macReport() never lets what the host wrote reach the terminal raw', async t => {
  const evil = '\u001b]0;owned\u0007\u202e';
  const {text, json} = await report('ubuntu2404-complain', [], {
    files: {
      '/sys/kernel/security/apparmor/profiles': `x${evil} (complain)\n`,
      '/etc/apparmor.d/evil': `profile ${evil}y {\n}\n`,
      '/proc/705/cgroup': `0::/system.slice/e${evil}.service\n`,
      '/var/log/audit/audit.log': `type=AVC msg=audit(1795248000.100:80): apparmor="DENIED" operation="open" profile="p${evil}" name=1B5B324A pid=1\n`,
    },
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  t.notRegex(text.join('\n'), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  t.regex(text.join('\n'), /\\x1b/);
  t.true(JSON.stringify(json).includes('owned'));
});

test('macReport() of this machine gives a report, whatever is there', async t => {
  const {text, json} = await macReport(localHost('/'), {units: [], hours: 1});
  t.true(text.length > 8);
  t.deepEqual(Object.keys(json as object), ['selinux', 'apparmor', 'services', 'denials']);
  t.deepEqual(
    text.filter(line => line.length > 80),
    [],
  );
});

import {existsSync, realpathSync} from 'node:fs';
import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import {readChronyc, readNtpctl, readNtpq} from '../../../../agent/host/facts/time/clock.ts';
import type {Host} from '../../../../agent/host/host.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {TimeFact} from '../../../../policies/facts/time.ts';

async function look(host: Host): Promise<TimeFact> {
  const answer = (await collectFacts(host, [{fact: 'time'}])).facts.get({fact: 'time'});
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}
const lookAt = (files: Fixture['files'], over: Fixture = {}) => look(memoryHost({...over, files: {...files}}));
const sources = (fact: TimeFact) =>
  fact.sources.map(({service, kind, address, where}) => `${service} ${kind} ${address} ${where}`);

// In the forms that chronyc(1), ntpq(1), ntpctl(8) and timedatectl(1) give.
const tracking = (leap: string) => `Reference ID    : C0A80001 (192.168.0.1)
Stratum         : 3
Ref time (UTC)  : Sat Nov 21 12:00:00 2026
System time     : 0.000512345 seconds slow of NTP time
Last offset     : -0.000012345 seconds
RMS offset      : 0.000100000 seconds
Leap status     : ${leap}
`;
const variables = `associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd ntpsec-1.2.2", processor="x86_64", system="Linux/6.1.0",
leap=00, stratum=3, precision=-23, rootdelay=1.2, rootdisp=3.4,
refid=192.168.0.1, offset=-0.312, frequency=1.5
`;
const unset = 'associd=0 status=c016 leap_alarm, sync_unspec, 1 event, restart,\nleap=11, stratum=16, offset=0.000\n';
const openntpd = '4/4 peers valid, clock synced, stratum 3\n';
const chronyc = ['/usr/bin/chronyc', '-n', 'tracking'];
const ntpq = ['/usr/bin/ntpq', '-c', 'rv'];

test('readChronyc() reads leap status and offset', t => {
  t.like(readChronyc(tracking('Normal')), {synchronised: true, offsetMs: 0.512});
  t.like(readChronyc(tracking('Insert second')), {synchronised: true});
  t.like(readChronyc(tracking('Not synchronised')), {synchronised: false, offsetMs: null});
  t.is(readChronyc('506 Cannot talk to daemon\n'), null);
});

test('readNtpq() reads the leap word or number, and the offset', t => {
  t.like(readNtpq(variables), {synchronised: true, offsetMs: 0.312});
  t.like(readNtpq(unset), {synchronised: false, offsetMs: null});
  t.like(readNtpq('leap=00, stratum=2, offset=1.5'), {synchronised: true, offsetMs: 1.5});
  t.is(readNtpq('ntpq: read: Connection refused'), null);
});

test('readNtpctl() reads whether the clock is in step', t => {
  t.like(readNtpctl(openntpd), {synchronised: true, offsetMs: null});
  t.like(readNtpctl('0/4 peers valid, clock unsynced, clock offset is -12.500ms\n'), {
    synchronised: false,
    offsetMs: 12.5,
  });
  t.is(readNtpctl('ntpctl: connect'), null);
});

const flag = {'/run/systemd/timesync/': {}, '/run/systemd/timesync/synchronized': ''};
for (const [what, fixture, clock] of [
  [
    'chrony answers',
    {commands: [{argv: chronyc, stdout: tracking('Normal')}]},
    {synchronised: true, by: '/usr/bin/chronyc -n tracking'},
  ],
  [
    'chrony is there but another service answers',
    {
      commands: [
        {argv: chronyc, exit: 1},
        {argv: ntpq, stdout: variables},
      ],
    },
    {synchronised: true, by: '/usr/bin/ntpq -c rv'},
  ],
  [
    'OpenNTPD answers',
    {commands: [{argv: ['/usr/sbin/ntpctl', '-s', 'status'], stdout: openntpd}]},
    {synchronised: true},
  ],
  [
    'timesyncd has set its flag',
    {files: flag},
    {synchronised: true, by: '/run/systemd/timesync/synchronized', offsetMs: null},
  ],
  [
    'timesyncd gives its offset',
    {
      files: {...flag, '/run/systemd/system/': {}},
      commands: [
        {
          argv: ['/usr/bin/timedatectl', 'timesync-status'],
          stdout: '       Server: 192.168.0.1\n       Offset: -2.5ms\n        Delay: 1ms\n',
        },
      ],
    },
    {synchronised: true, offsetMs: 2.5},
  ],
  ['timesyncd has not set its flag', {files: {'/run/systemd/timesync/': {}}}, {synchronised: false}],
  [
    'only the kernel knows',
    {
      files: {'/run/systemd/system/': {}},
      commands: [
        {argv: ['/usr/bin/timedatectl', 'show', '--property=NTPSynchronized'], stdout: 'NTPSynchronized=no\n'},
      ],
    },
    {synchronised: false, by: 'timedatectl'},
  ],
  ['nobody can be asked', {}, {unseen: 'no time service is here that could be asked'}],
  [
    'chrony never answers',
    {commands: [{argv: chronyc, timed_out: true}]},
    {unseen: 'cannot run /usr/bin/chronyc: no answer within 10 s'},
  ],
  [
    'chrony says nonsense',
    {commands: [{argv: chronyc, stdout: 'x'}]},
    {unseen: 'cannot read what /usr/bin/chronyc -n tracking says'},
  ],
  [
    'the flag cannot be looked at',
    {files: {'/run/systemd/timesync/': {error: 'EIO'}}},
    {unseen: 'cannot look at /run/systemd/timesync: input/output error, the disk or file system may be damaged (EIO)'},
  ],
  [
    'an image is looked at',
    {as: 'image', files: flag},
    {notApplicable: 'whether the clock is in step can be seen on the running machine only'},
  ],
] as const) {
  test(`collectTime() tells the clock when ${what}`, async t => {
    t.like((await look(memoryHost(fixture as unknown as Fixture))).clock, clock as object);
  });
}

test('collectTime() reads the sources of chrony with all that it includes', async t => {
  const fact = await lookAt({
    '/etc/chrony/chrony.conf':
      '# server no\n! pool no\nServer a.example iburst\nconfdir /etc/chrony/conf.d\nsourcedir /run/chrony-dhcp /etc/chrony/sources.d\ninclude /etc/chrony/more/*.conf\nserver\ndriftfile /x\n',
    '/etc/chrony/conf.d/b.conf': 'pool b.example\n',
    '/etc/chrony/conf.d/b.txt': 'pool no.example\n',
    '/etc/chrony/sources.d/c.sources': 'peer c.example\n',
    '/run/chrony-dhcp/d.sources': 'server 192.168.0.1\n',
    '/etc/chrony/more/e.conf': 'refclock PHC /dev/ptp0\n',
    '/etc/chrony.conf': 'server other.example\n',
  });
  t.deepEqual(sources(fact), [
    'chrony server a.example /etc/chrony/chrony.conf:3',
    'chrony pool b.example /etc/chrony/conf.d/b.conf:1',
    'chrony peer c.example /etc/chrony/sources.d/c.sources:1',
    'chrony server 192.168.0.1 /run/chrony-dhcp/d.sources:1',
    'chrony refclock PHC /etc/chrony/more/e.conf:1',
  ]);
});

test('collectTime() reads the sources of the other services', async t => {
  const fact = await lookAt({
    '/etc/chrony.conf': 'pool rhel.example\n',
    '/etc/ntpsec/ntp.conf': 'pool -4 n.example # x\nserver 127.127.1.0\nincludefile more.conf\n',
    '/etc/ntpsec/more.conf': 'server m.example\n',
    '/etc/ntpsec/ntp.d/d.conf': 'server d.example\n',
    '/etc/openntpd/ntpd.conf': 'servers o.example\nlisten on *\n',
    '/etc/systemd/timesyncd.conf': '[Time]\n#NTP=no\nFallbackNTP=f.example g.example\n',
    '/etc/systemd/timesyncd.conf.d/a.conf': '[Time]\nNTP=t.example\n',
  });
  t.deepEqual(sources(fact), [
    'chrony pool rhel.example /etc/chrony.conf:1',
    'ntpsec pool n.example /etc/ntpsec/ntp.conf:1',
    'ntpsec server m.example /etc/ntpsec/more.conf:1',
    'ntpsec server d.example /etc/ntpsec/ntp.d/d.conf:1',
    'openntpd servers o.example /etc/openntpd/ntpd.conf:1',
    'systemd-timesyncd server t.example /etc/systemd/timesyncd.conf.d/a.conf:2',
    'systemd-timesyncd fallback f.example /etc/systemd/timesyncd.conf:3',
    'systemd-timesyncd fallback g.example /etc/systemd/timesyncd.conf:3',
  ]);
});

test('collectTime() names configuration that it could not read', async t => {
  const fact = await lookAt({
    '/etc/chrony/chrony.conf': 'include /etc/chrony/chrony.conf\n',
    '/etc/ntp.conf': {read_error: 'EACCES'},
    '/etc/systemd/timesyncd.conf.d/': {read_error: 'EIO'},
  });
  t.deepEqual(
    fact.unreadable.map(({service}) => service),
    ['chrony', 'ntpsec', 'ntp', 'systemd-timesyncd'],
  );
  t.regex(fact.unreadable[0]?.reason ?? '', /nested more than 10 deep/);
});

const zoneFile = {base64: Buffer.from('TZif2').toString('base64')};
for (const [what, files, zone] of [
  ['a link', {'/etc/localtime': {link: '/usr/share/zoneinfo/Europe/Berlin'}}, {name: 'Europe/Berlin'}],
  ['a relative link', {'/etc/localtime': {link: '../usr/share/zoneinfo/posix/UTC'}}, {name: 'UTC'}],
  ['nothing', {}, {name: 'UTC'}],
  [
    'a link elsewhere',
    {'/etc/localtime': {link: '/opt/zone'}},
    {unseen: '/etc/localtime points to /opt/zone, which names no zone'},
  ],
  [
    'a copy',
    {'/etc/localtime': zoneFile, '/etc/timezone': 'Asia/Tokyo\n', '/usr/share/zoneinfo/Asia/Tokyo': zoneFile},
    {name: 'Asia/Tokyo'},
  ],
  [
    'a copy of another zone',
    {'/etc/localtime': 'x', '/etc/timezone': 'Asia/Tokyo\n', '/usr/share/zoneinfo/Asia/Tokyo': zoneFile},
    {unseen: '/etc/localtime is a copy, but not of Asia/Tokyo that /etc/timezone names'},
  ],
  [
    'a copy that nothing names',
    {'/etc/localtime': 'x'},
    {unseen: '/etc/localtime is a copy, and no /etc/timezone says of which zone'},
  ],
  [
    'a timezone that leads out',
    {'/etc/localtime': 'x', '/etc/timezone': '../../etc/shadow'},
    {unseen: '/etc/timezone does not hold a zone'},
  ],
  [
    'a copy that cannot be read',
    {'/etc/localtime': {read_error: 'EIO'}, '/etc/timezone': 'UTC', '/usr/share/zoneinfo/UTC': zoneFile},
    {unseen: 'cannot read /etc/localtime: input/output error, the disk or file system may be damaged (EIO)'},
  ],
  [
    'a localtime that cannot be looked at',
    {'/etc/localtime': {error: 'EACCES'}},
    {unseen: 'cannot look at /etc/localtime: permission denied even to root (EACCES)'},
  ],
] as const) {
  test(`collectTime() reads the zone from ${what}`, async t => {
    t.like((await lookAt(files as Fixture['files'])).zone, zone);
  });
}

test('collectTime() names this machine’s zone as its link does', async t => {
  const {zone} = await look(localHost('/'));
  if (!existsSync('/etc/localtime')) return t.deepEqual('name' in zone && zone.name, 'UTC');
  const real = realpathSync('/etc/localtime');
  if ('name' in zone) t.is(realpathSync(`/usr/share/zoneinfo/${zone.name}`), real);
  else t.regex(zone.unseen, /\/etc\/localtime/);
});

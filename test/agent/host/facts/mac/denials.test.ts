import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import type {Answer} from '../../../../../policies/facts/answer.ts';
import type {DenialsFact} from '../../../../../policies/facts/denials.ts';
import {recordedFixture, recordedHost} from '../../../../helpers/hosts.ts';

async function denials(name: string, over: Fixture = {}, hours = 24): Promise<Answer<DenialsFact>> {
  const request = {fact: 'denials', hours} as const;
  const {facts} = await collectFacts(recordedHost(name, over), [request]);
  return facts.get(request);
}

async function seen(name: string, over: Fixture = {}, hours = 24): Promise<DenialsFact> {
  const answer = await denials(name, over, hours);
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}

const summary = ({groups}: DenialsFact) =>
  groups.map(({subject, operation, mode, count}) => `${count} ${subject} ${operation} ${mode}`).sort();
const lines = (...bodies: string[]) =>
  bodies.map((body, index) => `type=AVC msg=audit(${1795250000 + index}.000:${index}): ${body}\n`).join('');
const denied = 'apparmor="DENIED" operation="open" profile="web" name="/x" pid=3 comm="z" denied_mask="r"';

test('collectDenials() counts what says the same together, from audit.log while auditd runs', async t => {
  const fact = await seen('rocky9-selinux-enforcing');
  t.deepEqual(fact.sources, ['/var/log/audit/audit.log']);
  t.deepEqual(fact.lowerBound, []);
  t.is(fact.total, 5);
  t.deepEqual(summary(fact), [
    '1 batch_jobs_t name_connect enforced',
    '1 init_t security_bounded_transition enforced',
    '1 staff_t start enforced',
    '2 web_t open read permissive',
  ]);
  const [most] = fact.groups;
  t.is(most?.first, '2026-11-21T08:01:40.413Z');
  t.is(most?.last, '2026-11-21T08:01:45.020Z');
  t.deepEqual(most?.pids, [1042]);
});

test('collectDenials() reads the journal without auditd, and counts an event once that it holds twice', async t => {
  const fact = await seen('debian12-apparmor');
  t.deepEqual(fact.sources, ['journal']);
  t.deepEqual(summary(fact), [
    '1 /usr/bin/man open permissive',
    '1 /usr/sbin/chronyd capable enforced',
    '2 /usr/sbin/chronyd open enforced',
  ]);
});

test('collectDenials() leaves out what is older than the time asked for', async t => {
  t.is((await seen('rocky9-selinux-enforcing', {}, 3)).total, 0);
  t.is((await seen('rocky9-selinux-enforcing', {}, 4)).total, 5);
});

test('collectDenials() says that it cannot see when auditd owns the stream and its log is closed to us', async t => {
  const answer = await denials('rocky9-selinux-enforcing', {looker: 1000});
  t.is(answer.state, 'unseen');
  t.regex((answer as {reason: string}).reason, /\/var\/log\/audit.*permission denied/);
  const gone = await denials('rocky9-selinux-enforcing', {files: {'/var/log/audit': null}});
  t.regex((gone as {reason: string}).reason, /auditd runs, but there is no/);
});

test('collectDenials() says that it cannot see a journal that only root may read', async t => {
  const answer = await denials('debian12-apparmor', {looker: 1000});
  t.is(answer.state, 'unseen');
  t.regex((answer as {reason: string}).reason, /system\.journal.*permission denied/);
});

test('collectDenials() takes kern.log when the journal cannot be read, and only what the kernel wrote', async t => {
  const fact = await seen('debian12-apparmor', {
    commands: [],
    files: {
      '/var/log/journal': null,
      '/var/log/kern.log': {
        modified: '2026-11-21T11:00:00Z',
        content: `Nov 21 09:00:00 deb kernel: [1.0] audit: type=1400 audit(1795250000.000:9): ${denied}\nNov 21 09:00:01 deb anna: audit: type=1400 audit(1795250001.000:10): ${denied}\n`,
      },
    },
  });
  t.deepEqual(fact.sources, ['/var/log/kern.log']);
  t.is(fact.total, 1);
});

test('collectDenials() takes dmesg last, as a lower bound where the ring does not go far enough back', async t => {
  const dmesg = (stdout: string): Fixture => ({
    files: {'/var/log/journal': null},
    commands: [{argv: ['/usr/bin/dmesg'], stdout}],
  });
  const whole = await seen(
    'debian12-apparmor',
    dmesg(`[    0.000000] Linux version 6.1\n[    9.0] audit: type=1400 audit(1795250000.000:9): ${denied}\n`),
  );
  t.deepEqual([whole.sources, whole.total, whole.lowerBound], [['dmesg'], 1, []]);
  const wrapped = await seen('debian12-apparmor', dmesg('[  812.000000] usb 1-1: new device\n'));
  t.deepEqual(wrapped.lowerBound, ['the ring of kernel messages has wrapped around']);
  const young = await seen('debian12-apparmor', {
    ...dmesg('[    0.000000] Linux version 6.1\n'),
    booted: '2026-11-21T11:00:00Z',
  });
  t.deepEqual(young.lowerBound, ['the ring of kernel messages begins at the last boot']);
});

test('collectDenials() names why it sees nothing when there is no log at all', async t => {
  const answer = await denials('container-no-lsm');
  t.is(answer.state, 'unseen');
  t.regex((answer as {reason: string}).reason, /dmesg.*Operation not permitted/);
});

test('collectDenials() is absent where no LSM that denies is active, and on an image cannot be seen', async t => {
  t.is((await denials('debian12-apparmor-off')).state, 'absent');
  t.is((await denials('debian12-apparmor', {as: 'image'})).state, 'live-only');
});

test('collectDenials() calls its counts a lower bound when the kernel dropped records', async t => {
  const status: Fixture = {
    commands: [{argv: ['/usr/sbin/auditctl', '-s'], stdout: 'enabled 1\nlost 961\nbacklog 0\n'}],
  };
  t.deepEqual((await seen('rocky9-selinux-enforcing', status)).lowerBound, [
    'the kernel dropped 961 records since the boot',
  ]);
  const off = await seen('rocky9-selinux-enforcing', {files: {'/proc/cmdline': 'root=/dev/sda ro audit=0\n'}});
  t.deepEqual(off.lowerBound, ['the kernel was started with audit=0, so it records no denials']);
  const kernel = await seen('debian12-apparmor', {
    files: {
      '/var/log/journal': null,
      '/var/log/kern.log': 'Nov 21 09:00:00 deb kernel: [1.0] audit: backlog limit exceeded\n',
    },
  });
  t.deepEqual(kernel.lowerBound, ['the kernel dropped records: backlog limit exceeded']);
});

test('collectDenials() takes no loss from what a process wrote into a name, nor from copies that the journal has whole', async t => {
  const evil = `audit: type=1400 audit(1795250000.000:9): ${denied.replace('/x', '/audit_lost=1')}`;
  const kernLog: Fixture = {
    files: {'/var/log/journal': null, '/var/log/kern.log': `Nov 21 09:00:00 deb kernel: [1.0] ${evil}\n`},
  };
  t.deepEqual((await seen('debian12-apparmor', kernLog)).lowerBound, []);
  const entry = (message: string, more = {}) =>
    `${JSON.stringify({__REALTIME_TIMESTAMP: '1795250000000000', MESSAGE: message, ...more})}\n`;
  const thinned = entry('kauditd_printk_skb: 27 callbacks suppressed');
  const argv = recordedFixture('debian12-apparmor').commands?.[0]?.argv ?? [];
  const journal = (stdout: string): Fixture => ({commands: [{argv, stdout}]});
  t.deepEqual((await seen('debian12-apparmor', journal(thinned))).lowerBound, [
    'the kernel suppressed records: callbacks suppressed',
  ]);
  const whole = journal(
    thinned + entry(`AVC ${denied}`, {_AUDIT_ID: '9', _SOURCE_REALTIME_TIMESTAMP: '1795250000000000'}),
  );
  const fact = await seen('debian12-apparmor', whole);
  t.deepEqual([fact.lowerBound, fact.total], [[], 1]);
});

test('collectDenials() reads rotated logs as far as the time asked for reaches', async t => {
  const rotated = (modified: string): Fixture => ({
    files: {'/var/log/audit/audit.log.1': {mode: '0400', modified, content: lines(denied, denied)}},
  });
  t.is((await seen('ubuntu2404-complain', rotated('2026-11-21T09:00:00Z'))).total, 5);
  t.is((await seen('ubuntu2404-complain', rotated('2026-11-19T09:00:00Z'))).total, 3);
});

test('collectDenials() bounds the kinds of denial that it keeps apart, and says so', async t => {
  const many = Array.from({length: 2100}, (_, index) => denied.replace('/x', `/x${index}`));
  const fact = await seen('ubuntu2404-complain', {files: {'/var/log/audit/audit.log': {content: lines(...many)}}});
  t.is(fact.groups.length, 2000);
  t.deepEqual(fact.lowerBound, ['100 more denials of other kinds were not kept apart']);
});

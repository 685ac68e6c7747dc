import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import {parseProfiles} from '../../../../../agent/host/facts/mac/apparmor-loaded.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import type {Answer} from '../../../../../policies/facts/answer.ts';
import type {ApparmorFact} from '../../../../../policies/facts/apparmor.ts';
import {recordedHost} from '../../../../helpers/hosts.ts';

async function apparmor(name: string, over: Fixture = {}): Promise<ApparmorFact> {
  const {facts} = await collectFacts(recordedHost(name, over), [{fact: 'apparmor'}]);
  const answer = facts.get({fact: 'apparmor'});
  if (answer.state !== 'seen') throw new Error(answer.reason);
  return answer.value;
}

const value = <T>(answer: Answer<T>) => (answer.state === 'seen' ? answer.value : `${answer.state}: ${answer.reason}`);
const profileOf = (fact: ApparmorFact, name: string) =>
  fact.loaded.state === 'seen' ? fact.loaded.value.find(profile => profile.name === name) : undefined;

test('parseProfiles() splits at the last bracket: names hold spaces and brackets', t => {
  t.deepEqual(parseProfiles('snap.lxd (old) name (complain)\n/usr/bin/man (enforce)\n:ns://p//child (kill)\n'), [
    {name: 'snap.lxd (old) name', mode: 'complain'},
    {name: '/usr/bin/man', mode: 'enforce'},
    {name: ':ns://p//child', mode: 'kill'},
  ]);
  t.deepEqual(parseProfiles(''), []);
  t.is(parseProfiles('no mode here\n'), null);
});

test('collectApparmor() reads the profiles of the kernel with attachment and digest, children and namespaces too', async t => {
  const fact = await apparmor('ubuntu2404-complain');
  t.is(value(fact.kernel), true);
  t.is(value(fact.enabled), true);
  t.deepEqual(fact.detailsUnseen, []);
  t.like(profileOf(fact, 'webapp'), {
    mode: 'enforce',
    attach: '/opt/webapp/{bin,libexec}/webapp*',
    digest: {algorithm: 'sha256'},
  });
  t.like(profileOf(fact, 'webapp//helper'), {mode: 'complain', attach: null});
  t.like(profileOf(fact, ':lxd-c1_<var-snap-lxd>:///usr/sbin/cron'), {mode: 'enforce', attach: '/usr/sbin/cron'});
  t.like(profileOf(fact, 'strict-batch'), {mode: 'kill'});
  t.deepEqual(profileOf(fact, 'docker-default'), {
    name: 'docker-default',
    mode: 'enforce',
    attach: null,
    attachHidden: false,
    digest: null,
  });
});

test('collectApparmor() reads sha1 from kernels before 6.8, and attaches nothing to a name that is no path', async t => {
  const fact = await apparmor('debian12-apparmor');
  t.like(profileOf(fact, '/usr/sbin/chronyd'), {attach: '/usr/sbin/chronyd', digest: {algorithm: 'sha1'}});
  t.like(profileOf(fact, 'lsb_release'), {attach: null});
  t.like(profileOf(fact, 'nvidia_modprobe//kmod'), {mode: 'enforce', digest: {algorithm: 'sha1'}});
});

test('collectApparmor() takes the name as the pattern where the kernel has it compiled only', async t => {
  const tree = '/sys/kernel/security/apparmor/policy/profiles/x.99';
  const fact = await apparmor('debian12-apparmor', {
    files: {
      '/sys/kernel/security/apparmor/profiles': '/usr/{bin,sbin}/x (enforce)\n',
      [`${tree}/name`]: '/usr/{bin,sbin}/x\n',
      [`${tree}/mode`]: 'enforce\n',
      [`${tree}/attach`]: '<unknown>\n',
    },
  });
  t.like(profileOf(fact, '/usr/{bin,sbin}/x'), {attach: '/usr/{bin,sbin}/x'});
});

test('collectApparmor() takes a pattern that the kernel hides from the file, and says so where there is none', async t => {
  const tree = '/sys/kernel/security/apparmor/policy/profiles/x.99';
  const files = {
    '/sys/kernel/security/apparmor/profiles': 'named (enforce)\n',
    [`${tree}/name`]: 'named\n',
    [`${tree}/mode`]: 'enforce\n',
    [`${tree}/attach`]: '<unknown>\n',
  };
  const hidden = await apparmor('debian12-apparmor', {files});
  t.like(profileOf(hidden, 'named'), {attach: null, attachHidden: true});
  const told = await apparmor('debian12-apparmor', {
    files: {...files, '/etc/apparmor.d/named': 'profile named /opt/{a,b}/named {\n}\n'},
  });
  t.like(profileOf(told, 'named'), {attach: '/opt/{a,b}/named', attachHidden: false});
  const variable = await apparmor('debian12-apparmor', {
    files: {...files, '/etc/apparmor.d/named': 'profile named @{bin}/named {\n}\n'},
  });
  t.like(profileOf(variable, 'named'), {attachHidden: true});
});

test('collectApparmor() takes the tree where only the list is closed to it, and says unseen where both are', async t => {
  const user = await apparmor('debian12-apparmor', {looker: 1000});
  t.is((value(user.loaded) as unknown[]).length, 7);
  const closed = await apparmor('debian12-apparmor', {
    looker: 1000,
    files: {'/sys/kernel/security/apparmor/policy/': {mode: '0700'}},
  });
  t.regex(String(value(closed.loaded)), /^unseen: .*permission denied/);
});

test('collectApparmor() reads the files: flags, disable, force-complain, children', async t => {
  const fact = await apparmor('ubuntu2404-complain');
  const modes = Object.fromEntries(
    (fact.onDisk.state === 'seen' ? fact.onDisk.value : []).map(({name, mode}) => [name, mode]),
  );
  t.deepEqual(modes, {
    '/usr/sbin/ntpd': 'complain',
    rsyslogd: 'enforce',
    webapp: 'enforce',
    'webapp//helper': 'complain',
    'strict-batch': 'kill',
    '1password': 'unconfined',
    tcpdump: 'disabled',
    lax: 'complain',
  });
});

test('collectApparmor() says off for apparmor=0 although the package and its files are there', async t => {
  const fact = await apparmor('debian12-apparmor-off');
  t.is(value(fact.kernel), false);
  t.is(value(fact.enabled), false);
  t.is(fact.loaded.state, 'absent');
  t.is(fact.onDisk.state, 'seen');
  t.like(value(fact.nextBoot), {on: false});
});

test('collectApparmor() does not take a masked securityfs for a kernel without profiles', async t => {
  const masked = await apparmor('debian12-apparmor', {
    files: {'/sys/kernel/security': null, '/sys/kernel/security/': {}},
  });
  t.is(masked.kernel.state, 'unseen');
  t.is(masked.loaded.state, 'unseen');
  const container = await apparmor('container-no-lsm');
  t.is(container.kernel.state, 'unseen');
  t.regex(String(value(container.loaded)), /securityfs is not mounted/);
});

test('collectApparmor() knows whether anything loads the profiles at boot', async t => {
  t.is(value((await apparmor('debian12-apparmor')).loadedAtBoot), true);
  const link = '/etc/systemd/system/sysinit.target.wants/apparmor.service';
  t.is(value((await apparmor('debian12-apparmor', {files: {[link]: null}})).loadedAtBoot), false);
  const masked: Fixture = {files: {'/etc/systemd/system/apparmor.service': {link: '/dev/null'}}};
  t.is(value((await apparmor('debian12-apparmor', masked)).loadedAtBoot), false);
  const script: Fixture = {
    files: {[link]: null, '/usr/lib/systemd': null, '/etc/rcS.d/S12apparmor': {link: '../init.d/apparmor'}},
  };
  t.is(value((await apparmor('debian12-apparmor', script)).loadedAtBoot), true);
});

test('collectApparmor() judges the next boot of an image by its boot entries and kernel configuration', async t => {
  const fact = await apparmor('debian12-apparmor', {as: 'image'});
  t.is(fact.kernel.state, 'live-only');
  t.like(value(fact.nextBoot), {on: true});
  const other = await apparmor('debian12-apparmor', {as: 'image', files: {'/boot/config-6.1.0-42-amd64': null}});
  t.is(other.nextBoot.state, 'unseen');
});

test('collectApparmor() reads the switches of unprivileged user namespaces', async t => {
  t.deepEqual(value((await apparmor('ubuntu2404-complain')).restrictions), [
    {key: 'kernel.apparmor_restrict_unprivileged_userns', value: '1'},
    {key: 'kernel.apparmor_restrict_unprivileged_unconfined', value: '0'},
  ]);
});

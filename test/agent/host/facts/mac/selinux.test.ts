import test from 'ava';
import {collectFacts} from '../../../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import type {Answer} from '../../../../../policies/facts/answer.ts';
import type {SelinuxFact} from '../../../../../policies/facts/selinux.ts';
import {recordedHost} from '../../../../helpers/hosts.ts';

async function selinux(name: string, over: Fixture = {}): Promise<SelinuxFact> {
  const {facts} = await collectFacts(recordedHost(name, over), [{fact: 'selinux'}]);
  const answer = facts.get({fact: 'selinux'});
  if (answer.state !== 'seen') throw new Error(answer.reason);
  return answer.value;
}

const value = <T>(answer: Answer<T>) => (answer.state === 'seen' ? answer.value : `${answer.state}: ${answer.reason}`);
const rocky = 'rocky9-selinux-enforcing';

test('collectSelinux() reads kernel, running state, configuration and next boot of an enforcing host', async t => {
  const fact = await selinux(rocky);
  t.is(value(fact.kernel), true);
  t.is(value(fact.mount), '/sys/fs/selinux');
  t.is(value(fact.mode), 'enforcing');
  t.is(value(fact.policyLoaded), true);
  t.deepEqual(
    [value(fact.mls), value(fact.denyUnknown), value(fact.checkReqProt), value(fact.policyVersion)],
    [true, false, false, 33],
  );
  t.deepEqual(fact.configured, {state: 'seen', value: 'enforcing', where: ['/etc/selinux/config:7']});
  t.deepEqual(fact.policyType, {state: 'seen', value: 'targeted', where: ['/etc/selinux/config:10']});
  t.like(value(fact.nextBoot), {mode: 'enforcing'});
  t.is((value(fact.runningPolicy) as {sha256: string}).sha256, (value(fact.policyFile) as {sha256: string}).sha256);
});

test('collectSelinux() reads permissive domains of the running policy, the file and the module store', async t => {
  const fact = await selinux(rocky);
  const names = (answer: SelinuxFact['permissiveRunning']) =>
    answer.state === 'seen' ? answer.value.map(({name}) => name).sort() : answer.reason;
  t.deepEqual(names(fact.permissiveRunning), ['batch_t', 'web_t']);
  t.deepEqual(names(fact.permissiveInFile), ['batch_t', 'web_t']);
  t.deepEqual(
    names(fact.permissiveModules),
    ['web_t'],
    'the module store misses the base policy, and a disabled module is none',
  );
});

test('collectSelinux() tells running, pending and persistent booleans apart', async t => {
  const fact = await selinux(rocky, {
    files: {
      '/sys/fs/selinux/booleans/web_reads_notes': '1 0',
      '/sys/fs/selinux/booleans/new_one': {read_error: 'EACCES'},
    },
  });
  t.deepEqual(value(fact.booleans), [
    {name: 'new_one', current: null, pending: null, persistent: null},
    {name: 'web_reads_notes', current: true, pending: false, persistent: true},
    {name: 'web_sends_mail', current: true, pending: true, persistent: false},
  ]);
});

test('collectSelinux() sees selinux=0 in the boot entry of a host that enforces now', async t => {
  const fact = await selinux('fedora43-selinux-off-at-next-boot');
  t.is(value(fact.mode), 'enforcing');
  t.is(value(fact.configured), 'enforcing');
  t.like(value(fact.nextBoot), {mode: 'disabled'});
  t.regex((value(fact.nextBoot) as {why: string}).why, /selinux=0/);
});

test('collectSelinux() lets enforcing=0 outrank the file, and /etc/default/grub what it will write', async t => {
  const entry = '/boot/loader/entries/2c8f51d4e0a94b6fb3d07a1e6c5b9f80-0-rescue.conf';
  const weak = await selinux(rocky, {
    files: {[entry]: 'title x\nlinux /vmlinuz-1\noptions root=/dev/sda ro enforcing=0\n'},
  });
  t.like(value(weak.nextBoot), {mode: 'permissive'});
  const later = await selinux(rocky, {files: {'/etc/default/grub': 'GRUB_CMDLINE_LINUX="quiet selinux=0"\n'}});
  t.like(value(later.nextBoot), {mode: 'disabled', why: 'selinux=0 in /etc/default/grub:1'});
});

test('collectSelinux() sees that a kernel with SELinux on has no policy, and that a later SELINUX= line does not count', async t => {
  const fact = await selinux('rocky9-selinux-no-policy');
  t.is(value(fact.kernel), true);
  t.is(value(fact.policyLoaded), false);
  t.is(fact.mode.state, 'absent');
  t.is(value(fact.configured), 'disabled');
  t.like(value(fact.nextBoot), {mode: 'disabled'});
});

test('collectSelinux() finds selinuxfs where it is mounted, whatever the path', async t => {
  const moved =
    '26 23 0:20 / /mnt/se\\040linux rw - selinuxfs selinuxfs rw\n25 23 0:7 / /sys/kernel/security rw - securityfs securityfs rw\n';
  const fact = await selinux(rocky, {files: {'/proc/self/mountinfo': moved, '/mnt/se linux/enforce': '0'}});
  t.is(value(fact.mount), '/mnt/se linux');
  t.is(value(fact.mode), 'permissive');
});

test('collectSelinux() does not take a masked selinuxfs for SELinux that is off', async t => {
  const fact = await selinux(rocky, {files: {'/sys/fs/selinux': null}});
  t.is(value(fact.kernel), true);
  t.is(fact.mode.state, 'absent');
  t.is(fact.permissiveRunning.state, 'absent');
});

test('collectSelinux() says unseen for a policy that is damaged, and for one that only root may read', async t => {
  const damaged = await selinux(rocky, {files: {'/sys/fs/selinux/policy': {base64: 'jP98+QgAAABTRSBMaW51eCEAAAA='}}});
  t.regex(String(value(damaged.permissiveRunning)), /^unseen: cannot understand the policy .*ends too early/);
  const user = await selinux(rocky, {looker: 1000});
  t.regex(String(value(user.permissiveRunning)), /^unseen: .*permission denied/);
  t.regex(String(value(user.permissiveModules)), /^unseen: .*permission denied/);
  t.regex(String(value(user.nextBoot)), /^unseen: .*permission denied/);
});

test('collectSelinux() does not follow a policy type that leads out of its folder', async t => {
  const fact = await selinux(rocky, {files: {'/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=../../tmp\n'}});
  t.regex(String(value(fact.policyType)), /^unseen: .*no name of a policy folder/);
  t.is(fact.policyFile.state, 'unseen');
});

test('collectSelinux() takes the newest policy that the kernel reads', async t => {
  const fact = await selinux(rocky, {files: {'/etc/selinux/targeted/policy/policy.34': 'newer than the kernel'}});
  t.like(value(fact.policyFile), {path: '/etc/selinux/targeted/policy/policy.33'});
});

test('collectSelinux() on an image reads what the next boot will, and leaves the running state open', async t => {
  const fact = await selinux(rocky, {as: 'image'});
  t.is(fact.kernel.state, 'live-only');
  t.is(fact.mode.state, 'live-only');
  t.is(value(fact.configured), 'enforcing');
  t.is(fact.permissiveInFile.state, 'seen');
  t.deepEqual(value(fact.booleans), [
    {name: 'web_reads_notes', current: null, pending: null, persistent: true},
    {name: 'web_sends_mail', current: null, pending: null, persistent: false},
  ]);
});

test('collectSelinux() without securityfs does not know, and names what it asked instead', async t => {
  const fact = await selinux('container-no-lsm');
  t.is(fact.kernel.state, 'unseen');
  t.regex(String(value(fact.kernel)), /securityfs is not mounted.*EINVAL/);
});

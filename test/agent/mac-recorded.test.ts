import test from 'ava';
import {collectFacts} from '../../agent/host/facts/collect.ts';
import type {Fixture} from '../../agent/host/memory/fixture.ts';
import {macReport} from '../../agent/mac.ts';
import {judgingFacts} from '../../policies/engine.ts';
import type {Judgement} from '../../policies/finding.ts';
import {macKind} from '../../policies/kinds/mac.ts';
import {recordedHost} from '../helpers/hosts.ts';
import {ruleOf} from '../helpers/rule.ts';

/** Two real Debian 12 machines, written down while they ran; what the tools said of them stands in the fixtures. */
const apparmor = 'debian12-apparmor-recorded';
const selinux = 'debian12-selinux-recorded';

async function judge(name: string, check: object, over: Fixture = {}): Promise<Judgement[]> {
  const rule = ruleOf('mac', check);
  const wanted = judgingFacts([rule]).map(({request}) => request);
  const {facts} = await collectFacts(recordedHost(name, over), wanted);
  return macKind.judge(check as never, facts, {now: 0, rule: 'demo.mac'});
}
const verdicts = (judgements: Judgement[]) => judgements.map(({verdict}) => verdict);
const text = async (name: string) => (await macReport(recordedHost(name), {units: [], hours: 24})).text.join('\n');

test('macReport() counts the profiles of a real AppArmor host as aa-status does', async t => {
  t.regex(await text(apparmor), /profiles +1 kill, 13 enforce, 22 complain/);
});

test('macReport() reads one denial and one complaint of a real journal, which holds each twice', async t => {
  const report = await text(apparmor);
  t.regex(report, /count +1 refused, 1 only logged/);
  t.regex(report, /AppArmor refused demo-cat open r \/etc\/hostname/);
  t.regex(report, /AppArmor logged demo lax \(cat\) open r \/etc\/hostname/);
});

test('macKind judges the units of a real AppArmor host by their profiles', async t => {
  const units = ['chrony.service', 'demo.service', 'late.service', 'ssh.service'];
  t.deepEqual(verdicts(await judge(apparmor, {unit_confined: units})), ['pass', 'pass', 'fail', 'fail']);
  t.deepEqual(verdicts(await judge(apparmor, {enforcing: true, of: ['runtime']})), ['pass']);
  t.deepEqual(verdicts(await judge(apparmor, {enforcing: true})), ['unknown'], 'the kernel was started from outside');
});

test('macKind does not rule out a process outside a profile whose pattern the kernel hides, which aa-status does', async t => {
  t.deepEqual(verdicts(await judge(apparmor, {exe_attached: true})), ['unknown']);
  const told = await judge(
    apparmor,
    {exe_attached: true},
    {
      files: {'/etc/apparmor.d/late': 'profile demo-late /opt/demo/late {\n}\n'},
    },
  );
  t.like(told[0], {subject: '/opt/demo/late', verdict: 'fail', cure: 'systemctl restart late.service'});
});

test('macReport() shows a real SELinux host as sestatus and getsebool do', async t => {
  const report = await text(selinux);
  t.regex(report, /running +enforcing/);
  t.regex(report, /levels \(MLS\) +yes/);
  t.regex(report, /deny unknown +no/);
  t.regex(report, /checkreqprot +no/);
  t.regex(report, /policy type +default/);
  t.regex(report, /modules +chronyd_t/);
  t.regex(report, /count +7 refused, 0 only logged/);
  t.regex(report, /7 × +SELinux refused getty_t checkpoint_restore capability2 getty_t/);
});

test('macKind judges the units of a real SELinux host by their domains', async t => {
  const units = ['ssh.service', 'cron.service', 'chrony.service', 'demo.service', 'record.service'];
  t.deepEqual(verdicts(await judge(selinux, {unit_confined: units})), ['pass', 'pass', 'fail', 'fail', 'fail']);
  t.deepEqual(verdicts(await judge(selinux, {enforcing: true, of: ['runtime']})), ['pass']);
  t.deepEqual(
    verdicts(await judge(selinux, {enforcing: true, module: 'apparmor'})),
    ['fail'],
    'built in and installed, but off',
  );
});

import type {Answer} from '../../facts/answer.ts';
import type {PermissiveDomains, SelinuxFact} from '../../facts/selinux.ts';
import type {Judgement} from '../../finding.ts';
import {shellWord} from '../shared.ts';
import {Evidence, liveSubject, nameList, noSubject, scopeOf} from './evidence.ts';
import type {MacCheck, Part} from './schema.ts';

const subject = 'SELinux';

/** Whether SELinux refuses what its policy does not allow: now, and after the next boot. */
export function judgeSelinuxEnforcing(fact: SelinuxFact, parts: readonly Part[]): Judgement {
  const evidence = new Evidence(subject);
  const live = fact.kernel.state !== 'live-only';
  const runtime = parts.includes('runtime') && live;
  const persistent = parts.includes('persistent');
  if (!runtime && !persistent)
    return liveSubject(subject, 'whether SELinux enforces can be seen on the running machine only');
  if (runtime) compareRunning(fact, evidence);
  if (persistent) comparePersistent(fact, evidence);
  return evidence.judgement(scopeOf(runtime, persistent));
}

function compareRunning(fact: SelinuxFact, evidence: Evidence): void {
  const kernel = evidence.value(fact.kernel);
  if (kernel === null) return;
  evidence.compare('kernel', 'SELinux active', kernel ? 'SELinux active' : 'SELinux not active', kernel, {
    where: placesOf(fact.kernel),
    cure: 'remove selinux=0 from the boot entries, or boot with security=selinux selinux=1',
  });
  if (!kernel) return;
  const loaded = evidence.value(fact.policyLoaded);
  if (loaded !== null) {
    const actual = loaded ? 'loaded' : 'none loaded, so nothing is refused';
    evidence.compare('policy', 'loaded', actual, loaded, {
      where: placesOf(fact.policyLoaded),
      cure: 'install a policy, touch /.autorelabel and reboot',
    });
  }
  if (loaded === false && fact.mode.state !== 'seen') return;
  const mode = evidence.value(fact.mode);
  if (mode !== null)
    evidence.compare('running', 'enforcing', mode, mode === 'enforcing', {
      where: placesOf(fact.mode),
      cure: 'setenforce 1',
    });
}

function comparePersistent(fact: SelinuxFact, evidence: Evidence): void {
  const edit = 'set SELINUX=enforcing in /etc/selinux/config';
  if (fact.configured.state === 'absent') {
    evidence.compare('configured', 'enforcing', 'no /etc/selinux/config', false, {
      where: fact.configured.where,
      cure: edit,
    });
  } else if (fact.configured.state === 'seen') {
    const mode = fact.configured.value;
    evidence.compare('configured', 'enforcing', mode ?? 'no valid SELINUX= line, so permissive', mode === 'enforcing', {
      where: fact.configured.where,
      cure: edit,
    });
  } else evidence.open(fact.configured.reason);
  const boot = evidence.value(fact.nextBoot);
  if (boot !== null) {
    const {mode, why} = boot;
    evidence.compare('next boot', 'enforcing', mode === 'enforcing' ? mode : `${mode}: ${why}`, mode === 'enforcing', {
      where: placesOf(fact.nextBoot),
      cure: `so that the next boot enforces, put right what decides it: ${why}`,
    });
  }
}

export function judgePolicyType(fact: SelinuxFact, wanted: readonly string[]): Judgement {
  const missing = notThere(fact);
  if (missing !== null) return missing;
  const evidence = new Evidence(`${subject} policy type`);
  const type = evidence.value(fact.policyType);
  if (type !== null)
    evidence.compare('policy type', wanted.join(' or '), type, wanted.includes(type), {
      where: placesOf(fact.policyType),
      cure: `set SELINUXTYPE=${wanted[0]} in /etc/selinux/config, touch /.autorelabel and reboot`,
    });
  return evidence.judgement('persistent');
}

/** Permissive domains of the running policy, of the policy file that the next boot loads, and of the module store. */
export function judgePermissiveDomains(
  fact: SelinuxFact,
  except: readonly string[],
  parts: readonly Part[],
): Judgement {
  const name = `${subject} permissive domains`;
  const missing = notThere(fact);
  if (missing !== null) return missing;
  const live = fact.kernel.state !== 'live-only';
  const runtime = parts.includes('runtime') && live;
  const persistent = parts.includes('persistent');
  if (!runtime && !persistent) return liveSubject(name, 'the running policy can be seen on the running machine only');
  const evidence = new Evidence(name);
  if (runtime) compareDomains('running policy', fact.permissiveRunning, except, evidence);
  if (persistent) {
    compareDomains('policy file', fact.permissiveInFile, except, evidence);
    // The policy file holds what the modules gave, so a store that only root may read is no gap.
    if (fact.permissiveModules.state === 'seen')
      compareDomains('module store', fact.permissiveModules, except, evidence);
  }
  return evidence.judgement(scopeOf(runtime, persistent));
}

function compareDomains(what: string, answer: PermissiveDomains, except: readonly string[], evidence: Evidence): void {
  const domains = evidence.value(answer);
  if (domains === null) return;
  const names = [...new Set(domains.map(domain => domain.name).filter(domain => !except.includes(domain)))].sort();
  const expected = except.length === 0 ? 'none' : `none but ${except.join(', ')}`;
  const cure = names
    .slice(0, 5)
    .map(domain => `semanage permissive -d ${shellWord(domain)}`)
    .join('; ');
  evidence.compare(`permissive in ${what}`, expected, nameList(names), names.length === 0, {
    where: placesOf(answer),
    cure,
  });
}

export function judgeBooleans(
  fact: SelinuxFact,
  wanted: NonNullable<MacCheck['booleans']>,
  parts: readonly Part[],
): Judgement[] {
  const missing = notThere(fact);
  if (missing !== null) return [missing];
  return Object.entries(wanted).map(([name, value]) => judgeBoolean(fact, name, value, parts));
}

const onOff = (value: boolean) => (value ? 'on' : 'off');

function judgeBoolean(fact: SelinuxFact, name: string, wanted: boolean, parts: readonly Part[]): Judgement {
  const label = `${subject} boolean ${name}`;
  if (fact.booleans.state !== 'seen') return {subject: label, verdict: 'unknown', reason: fact.booleans.reason};
  const found = fact.booleans.value.find(boolean => boolean.name === name);
  if (found === undefined) return noSubject(label, `the policy has no boolean ${name}`);
  const live = fact.kernel.state !== 'live-only';
  const runtime = parts.includes('runtime') && live;
  const persistent = parts.includes('persistent');
  if (!runtime && !persistent) return liveSubject(label, 'running booleans can be seen on the running machine only');
  const evidence = new Evidence(label);
  const cure = `setsebool -P ${shellWord(name)} ${onOff(wanted)}`;
  for (const [asked, what, value] of [
    [runtime, 'running', found.current],
    [persistent, 'persistent', found.persistent],
  ] as const) {
    if (!asked) continue;
    if (value === null)
      evidence.open(
        `the ${what} value of ${name} could not be read${what === 'persistent' && fact.policyFile.state !== 'seen' ? `: ${fact.policyFile.reason}` : ''}`,
      );
    else evidence.compare(what, onOff(wanted), onOff(value), value === wanted, {where: fact.booleans.where, cure});
  }
  return evidence.judgement(scopeOf(runtime, persistent));
}

/** Null where there is an SELinux to speak of: active in the kernel, or on an image configured. */
function notThere(fact: SelinuxFact): Judgement | null {
  const {kernel, configured} = fact;
  if (kernel.state === 'unseen') return {subject, verdict: 'unknown', reason: kernel.reason};
  if (kernel.state === 'seen' && !kernel.value) return noSubject(subject, 'SELinux is not active in the kernel');
  return kernel.state === 'live-only' && configured.state === 'absent' ? noSubject(subject, configured.reason) : null;
}

export const placesOf = (answer: Answer<unknown>): string[] =>
  answer.state === 'seen' || answer.state === 'absent' ? answer.where : [];

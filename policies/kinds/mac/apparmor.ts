import {apparmorGlob} from '../../apparmor-glob.ts';
import type {Answer} from '../../facts/answer.ts';
import type {ApparmorFact, LoadedProfile} from '../../facts/apparmor.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import type {Judgement} from '../../finding.ts';
import {shellWord} from '../shared.ts';
import {Evidence, liveSubject, nameList, noSubject, scopeOf} from './evidence.ts';
import type {Part} from './schema.ts';
import {placesOf} from './selinux.ts';

const subject = 'AppArmor';
/** `kill` ends a process that does what the profile does not allow: stricter than enforce. */
const enforcingModes: readonly string[] = ['enforce', 'kill'];

/** Whether AppArmor is on with at least one enforcing profile: now, and after the next boot. */
export function judgeApparmorEnforcing(fact: ApparmorFact, parts: readonly Part[]): Judgement {
  const live = fact.kernel.state !== 'live-only';
  const runtime = parts.includes('runtime') && live;
  const persistent = parts.includes('persistent');
  if (!runtime && !persistent)
    return liveSubject(subject, 'whether AppArmor enforces can be seen on the running machine only');
  const evidence = new Evidence(subject);
  if (runtime) compareRunning(fact, evidence);
  if (persistent) comparePersistent(fact, evidence);
  return evidence.judgement(scopeOf(runtime, persistent));
}

function compareRunning(fact: ApparmorFact, evidence: Evidence): void {
  const kernel = evidence.value(fact.kernel);
  const boot = 'remove apparmor=0 from the boot entries, or boot with security=apparmor apparmor=1';
  if (kernel !== null)
    evidence.compare('kernel', 'AppArmor active', kernel ? 'AppArmor active' : 'AppArmor not active', kernel, {
      where: placesOf(fact.kernel),
      cure: boot,
    });
  if (fact.enabled.state === 'absent' && kernel === false) return;
  const enabled = evidence.value(fact.enabled);
  if (enabled !== null)
    evidence.compare('enabled', true, enabled, enabled, {where: placesOf(fact.enabled), cure: boot});
  if (kernel === false || enabled === false) return;
  const loaded = evidence.value(fact.loaded);
  if (loaded === null) return;
  const ok = loaded.some(({mode}) => enforcingModes.includes(mode));
  evidence.compare('profiles', 'at least one enforcing', countModes(loaded), ok, {
    where: placesOf(fact.loaded),
    cure: 'systemctl restart apparmor.service',
  });
}

function comparePersistent(fact: ApparmorFact, evidence: Evidence): void {
  const boot = evidence.value(fact.nextBoot);
  if (boot !== null)
    evidence.compare('next boot', 'AppArmor active', boot.on ? 'AppArmor active' : `not active: ${boot.why}`, boot.on, {
      where: placesOf(fact.nextBoot),
      cure: `so that the next boot has AppArmor, put right what decides it: ${boot.why}`,
    });
  const loads = evidence.value(fact.loadedAtBoot);
  if (loads !== null)
    evidence.compare('profiles at boot', 'loaded', loads ? 'loaded' : 'nothing loads them', loads, {
      where: placesOf(fact.loadedAtBoot),
      cure: 'systemctl enable apparmor.service',
    });
  if (fact.onDisk.state === 'absent') {
    evidence.compare('profiles on disk', 'at least one enforcing', 'no /etc/apparmor.d', false, {
      where: fact.onDisk.where,
      cure: 'install the package apparmor',
    });
    return;
  }
  const onDisk = evidence.value(fact.onDisk);
  if (onDisk === null) return;
  const ok = onDisk.some(({mode}) => enforcingModes.includes(mode));
  if (!ok && fact.unreadable.length > 0) evidence.open(fact.unreadable.join('; '));
  else
    evidence.compare('profiles on disk', 'at least one enforcing', countModes(onDisk), ok, {
      where: placesOf(fact.onDisk),
      cure: 'install apparmor-profiles, or enforce one with aa-enforce',
    });
}

/** `37 enforce, 2 complain` */
export function countModes(profiles: ReadonlyArray<{mode: string}>): string {
  const counts = [...Map.groupBy(profiles, ({mode}) => mode)].map(([mode, members]) => `${members.length} ${mode}`);
  return counts.length === 0 ? 'none' : counts.sort().join(', ');
}

/** Loaded profiles that only record. Those on disk count too when the rule says `of: [persistent]`. */
export function judgeComplainProfiles(
  fact: ApparmorFact,
  except: readonly string[],
  parts: readonly Part[] | undefined,
): Judgement {
  const name = `${subject} complain profiles`;
  const missing = notThere(fact);
  if (missing !== null) return missing;
  const live = fact.kernel.state !== 'live-only';
  const runtime = (parts ?? ['runtime']).includes('runtime') && live;
  const persistent = parts?.includes('persistent') ?? !live;
  if (!runtime && !persistent) return liveSubject(name, 'loaded profiles can be seen on the running machine only');
  const evidence = new Evidence(name);
  const files = fact.onDisk.state === 'seen' ? fact.onDisk.value : [];
  const fileOf = (profile: string) => files.find(file => file.name === profile)?.where.replace(/:\d+$/, '');
  const sources: Array<[boolean, string, Answer<ReadonlyArray<{name: string; mode: string}>>]> = [
    [runtime, 'loaded', fact.loaded],
    [persistent, 'on disk', fact.onDisk],
  ];
  for (const [asked, what, answer] of sources) {
    const profiles = asked ? evidence.value(answer) : null;
    if (profiles === null) continue;
    const names = profiles
      .filter(({mode}) => mode === 'complain')
      .map(profile => profile.name)
      .filter(profile => !isExcepted(profile, except));
    const cure = names
      .slice(0, 5)
      .map(profile => `aa-enforce ${shellWord(fileOf(profile) ?? profile)}`)
      .join('; ');
    evidence.compare(
      `in complain mode, ${what}`,
      except.length === 0 ? 'none' : `none but ${except.join(', ')}`,
      nameList(names),
      names.length === 0,
      {where: placesOf(answer), cure},
    );
    if (what === 'on disk') for (const reason of fact.unreadable) evidence.open(reason);
  }
  return evidence.judgement(scopeOf(runtime, persistent));
}

/** An excepted profile stands for its children too. */
const isExcepted = (profile: string, except: readonly string[]) =>
  except.some(name => profile === name || profile.startsWith(`${name}//`));

/** A process without a profile although one is loaded for its executable: started before it was loaded, or let out. */
export type Unattached = {process: ProcessFact; profile: LoadedProfile};

/** `open`: why some processes or profiles could not be compared. */
export function unattached(
  loaded: readonly LoadedProfile[],
  processes: readonly ProcessFact[],
): {found: Unattached[]; open: string[]; compared: number} {
  const open: string[] = [];
  const patterns: Array<{profile: LoadedProfile; matches: (path: string) => boolean}> = [];
  for (const profile of loaded) {
    if (profile.mode === 'unconfined' || profile.name.startsWith(':')) continue;
    if (profile.attachHidden) open.push(`the kernel does not tell what the profile ${profile.name} attaches to`);
    if (profile.attach === null) continue;
    const matches = apparmorGlob(profile.attach);
    if (matches === null)
      open.push(`cannot understand the attachment "${profile.attach}" of the profile ${profile.name}`);
    else patterns.push({profile, matches});
  }
  const byExe = new Map<string, LoadedProfile | null>();
  const found: Unattached[] = [];
  let compared = 0;
  for (const process of processes) {
    if (process.kernelThread) continue;
    if (process.label === null || process.exe === null) {
      const field = process.label === null ? 'label' : 'exe';
      open.push(`pid ${process.pid}: ${process.unseen[field] ?? `its ${field} is not known`}`);
      continue;
    }
    compared++;
    if (process.label !== 'unconfined') continue;
    const {exe} = process;
    if (!byExe.has(exe)) byExe.set(exe, patterns.find(({matches}) => matches(exe))?.profile ?? null);
    const profile = byExe.get(exe);
    if (profile) found.push({process, profile});
  }
  return {found, open, compared};
}

export function judgeExeAttached(fact: ApparmorFact, processes: Answer<ProcessFact[]>): Judgement[] {
  const name = `${subject} attachment`;
  const missing = notThere(fact);
  if (missing !== null) return [missing];
  if (fact.kernel.state === 'live-only')
    return [liveSubject(name, 'processes can be seen on the running machine only')];
  const evidence = new Evidence(name);
  const loaded = evidence.value(fact.loaded);
  const running = evidence.value(processes);
  for (const reason of fact.detailsUnseen) evidence.open(reason);
  if (loaded === null || running === null) return [evidence.judgement('runtime')];
  const {found, open, compared} = unattached(loaded, running);
  if (found.length > 0) return found.map(judgeUnattached);
  if (open.length > 0)
    evidence.open(open.length > 3 ? `${open.slice(0, 3).join('; ')}; and ${open.length - 3} more` : open.join('; '));
  evidence.compare('outside their profile', 'none', 'none', true, {where: placesOf(fact.loaded)});
  return [
    compared === 0 && open.length === 0 ? noSubject(name, 'no processes were seen') : evidence.judgement('runtime'),
  ];
}

function judgeUnattached({process, profile}: Unattached): Judgement {
  const evidence = new Evidence(process.exe ?? `pid ${process.pid}`);
  const cure =
    process.unit === null ? `end and start pid ${process.pid} anew` : `systemctl restart ${shellWord(process.unit)}`;
  evidence.compare('profile', profile.name, 'unconfined', false, {where: [`pid ${process.pid}`], cure});
  return evidence.judgement('runtime');
}

/** Null where there is an AppArmor to speak of: active in the kernel, or on an image with profiles. */
function notThere(fact: ApparmorFact): Judgement | null {
  const {kernel, onDisk} = fact;
  if (kernel.state === 'unseen') return {subject, verdict: 'unknown', reason: kernel.reason};
  if (kernel.state === 'seen' && !kernel.value) return noSubject(subject, 'AppArmor is not active in the kernel');
  return kernel.state === 'live-only' && onDisk.state === 'absent' ? noSubject(subject, onDisk.reason) : null;
}

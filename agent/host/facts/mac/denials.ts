import {type Answer, absent, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {DenialsFact} from '../../../../policies/facts/denials.ts';
import type {Host} from '../../host.ts';
import type {Collector} from '../collector.ts';
import {parseDenial} from './audit-record.ts';
import {DenialGroups} from './denial-groups.ts';
import {
  auditdRuns,
  noteLoss,
  readAuditLog,
  readKernelLog,
  type SourceRead,
  type SourceResult,
  type Take,
} from './denial-sources.ts';
import {readJournal} from './journal.ts';
import {activeLsms, readText} from './lsm.ts';

/** Denials of the last hours, each length of time looked up once. */
export const collectDenials: Collector<'denials'> = async (requests, {host}) => {
  const answers = new Map<number, Promise<Answer<DenialsFact>>>();
  return Promise.all(
    requests.map(({hours}) => {
      const answer = answers.get(hours) ?? readDenials(host, hours);
      answers.set(hours, answer);
      return answer;
    }),
  );
};

async function readDenials(host: Host, hours: number): Promise<Answer<DenialsFact>> {
  if (!host.live) return liveOnly('denials of the last hours');
  const lsms = await activeLsms(host);
  if (lsms.state === 'seen' && !lsms.value.includes('selinux') && !lsms.value.includes('apparmor')) {
    return absent('neither SELinux nor AppArmor is active in the kernel, so nothing is denied', lsms.where);
  }
  const since = host.now() - hours * 3_600_000;
  const groups = new DenialGroups(since);
  const sources: string[] = [];
  const lost = new Set<string>();
  const take: Take = denial => groups.add(denial);
  const auditd = await auditdRuns(host);
  const audit = await readAuditLog(host, since, take);
  if (audit !== null && 'reason' in audit) return unseen(`cannot count denials: ${audit.reason}`);
  if (auditd && audit === null)
    return unseen('cannot count denials: auditd runs, but there is no /var/log/audit/audit.log');
  const kernel = auditd ? [] : await readKernelMessages(host, since, take);
  if ('reason' in kernel) return unseen(`cannot count denials: ${kernel.reason}`);
  for (const result of [...(audit === null ? [] : [audit]), ...kernel]) {
    sources.push(result.source);
    for (const reason of result.lost) lost.add(reason);
  }
  if (auditd) for (const reason of await auditdLosses(host)) lost.add(reason);
  if (await auditIsOff(host)) lost.add('the kernel was started with audit=0, so it records no denials');
  const {groups: found, total, left} = groups.result();
  if (left > 0) lost.add(`${left} more denials of other kinds were not kept apart`);
  return seen({sources, since: new Date(since).toISOString(), lowerBound: [...lost], groups: found, total}, sources);
}

/**
 * Where the kernel's records go while no auditd owns their stream. Each of the three has them all, so the first that can
 * be read is enough.
 */
async function readKernelMessages(host: Host, since: number, take: Take): Promise<SourceRead[] | {reason: string}> {
  const reasons: string[] = [];
  for (const read of [readJournal, readKernelLog, readRing]) {
    const result = await read(host, since, take);
    if (result === null) continue;
    if (!('reason' in result)) return [result];
    reasons.push(result.reason);
  }
  return {reason: reasons.join('; ')};
}

/** `audit=0` or `off` among the kernel's arguments, kernel/audit.c: then there are no records at all. */
async function auditIsOff(host: Host): Promise<boolean> {
  const line = await readText(host, '/proc/cmdline');
  return (
    line.ok &&
    line.value
      .trim()
      .split(/\s+/)
      .findLast(word => word.startsWith('audit='))
      ?.match(/^audit=(?:0|off)$/) != null
  );
}

/** auditctl -s: what the kernel dropped since the boot, because auditd was too slow. */
async function auditdLosses(host: Host): Promise<string[]> {
  const status = await host.run(['/usr/sbin/auditctl', '-s'], {maxBytes: 64 * 1024});
  const lost = /^lost (\d{1,15})$/m.exec(status.stdout)?.[1];
  return lost === undefined || lost === '0' ? [] : [`the kernel dropped ${lost} records since the boot`];
}

/** The kernel's ring of messages: it begins at the boot, or later when it has wrapped around. */
async function readRing(host: Host, since: number, take: Take): Promise<SourceResult> {
  const result = await host.run(['/usr/bin/dmesg'], {maxBytes: 8 * 1024 * 1024});
  if (result.failed)
    return {reason: `${result.reason}${result.stderr === '' ? '' : `: ${result.stderr.trim().slice(0, 200)}`}`};
  const lost = new Set<string>();
  for (const line of result.stdout.split('\n')) {
    noteLoss(line, lost);
    const denial = parseDenial(line);
    if (denial !== null) take(denial);
  }
  const booted = host.uname?.bootedMs ?? null;
  if (!/^\[ {4}0\.000000\]/.test(result.stdout)) lost.add('the ring of kernel messages has wrapped around');
  if (booted === null || booted > since) lost.add('the ring of kernel messages begins at the last boot');
  return {source: 'dmesg', lost: [...lost]};
}

import type {Host} from '../../host.ts';
import {type Denial, mayBeDenial, parseDenial} from './audit-record.ts';
import {readText} from './lsm.ts';

/** What one log gave. `lost` says why it may lack denials of the time asked for. */
export type SourceRead = {source: string; lost: string[]};
/** Null: there is no such log. */
export type SourceResult = SourceRead | {reason: string} | null;
export type Take = (denial: Denial) => void;

const maxLogBytes = 32 * 1024 * 1024;
const auditFolder = '/var/log/audit';

/** Whether auditd runs: it then takes the whole stream of records, and the other logs have none. */
export async function auditdRuns(host: Host): Promise<boolean> {
  const pid = await readText(host, '/run/auditd.pid', 64);
  if (!pid.ok || !/^\d{1,10}\s*$/.test(pid.value)) return false;
  const name = await readText(host, `/proc/${pid.value.trim()}/comm`, 64);
  return name.ok && name.value.trim() === 'auditd';
}

/** audit.log and what it was rotated to (audit.log.1 is the newest), from their ends, until the time asked for is covered. */
export async function readAuditLog(host: Host, since: number, take: Take): Promise<SourceResult> {
  const path = `${auditFolder}/audit.log`;
  const list = await host.fs.list(auditFolder, {max: 2000});
  if (!list.ok) return list.code === 'absent' ? null : {reason: list.reason};
  const numbers = list.value.names
    .flatMap(name => /^audit\.log\.(\d{1,4})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const present = list.value.names.includes('audit.log');
  if (!present && numbers.length === 0) return null;
  return readLogs(host, [...(present ? [path] : []), ...numbers.map(number => `${path}.${number}`)], since, take);
}

/** What rsyslog keeps of the kernel's messages. */
export async function readKernelLog(host: Host, since: number, take: Take): Promise<SourceResult> {
  for (const path of ['/var/log/kern.log', '/var/log/messages']) {
    const stat = await host.fs.stat(path);
    if (!stat.ok && stat.code === 'absent') continue;
    const older = await host.fs.stat(`${path}.1`);
    return readLogs(host, [path, ...(older.ok ? [`${path}.1`] : [])], since, take, true);
  }
  return null;
}

/** Files of one log, newest first. */
async function readLogs(
  host: Host,
  paths: string[],
  since: number,
  take: Take,
  onlyKernel = false,
): Promise<SourceResult> {
  const lost = new Set<string>();
  let room = maxLogBytes;
  for (const path of paths) {
    const stat = await host.fs.stat(path);
    if (!stat.ok && stat.code === 'absent') continue;
    if (!stat.ok) return {reason: stat.reason};
    if (stat.value.modifiedMs < since && path !== paths[0]) break;
    if (room <= 0) {
      lost.add(`only the last ${maxLogBytes} bytes were read`);
      break;
    }
    const file = await host.fs.readTail(path, {maxBytes: room});
    if (!file.ok) return {reason: file.reason};
    room -= file.value.bytes.length;
    const oldest = readLines(file.value.bytes, take, lost, onlyKernel);
    if (file.value.truncated && (oldest === null || oldest > since))
      lost.add(`only the last ${maxLogBytes} bytes were read`);
  }
  return {source: paths[0] as string, lost: [...lost]};
}

/** Takes the denials of a text's lines; the time of the first line that has one, which tells how far back it goes. */
function readLines(bytes: Buffer, take: Take, lost: Set<string>, onlyKernel: boolean): number | null {
  let oldest: number | null = null;
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end - start < 256 * 1024) {
      const line = bytes.toString('utf8', start, end);
      if (!onlyKernel || line.includes(' kernel: ')) {
        oldest ??= timeOf(line);
        noteLoss(line, lost);
        const denial = parseDenial(line);
        if (denial !== null) take(denial);
      }
    }
    start = end + 1;
  }
  return oldest;
}

function timeOf(line: string): number | null {
  const match = /audit\((\d{1,12})\./.exec(line);
  return match === null ? null : Number(match[1]) * 1000;
}

export const suppressed = 'the kernel suppressed records: callbacks suppressed';

/** The kernel's words for records that it dropped: kernel/audit.c. Never those in a record, where a process may have put them. */
export function noteLoss(line: string, lost: Set<string>): void {
  if (!line.includes('audit') || mayBeDenial(line)) return;
  if (/audit: backlog limit exceeded|audit_backlog=\d+ > audit_backlog_limit/.test(line))
    lost.add('the kernel dropped records: backlog limit exceeded');
  else if (/audit: rate limit exceeded/.test(line)) lost.add('the kernel dropped records: rate limit exceeded');
  else if (/audit_lost=[1-9]/.test(line)) lost.add('the kernel dropped records: audit_lost is not 0');
  else if (/audit_printk_skb: \d+ callbacks suppressed|kauditd_printk_skb: \d+ callbacks suppressed/.test(line))
    lost.add(suppressed);
}

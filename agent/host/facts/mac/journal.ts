import type {Host} from '../../host.ts';
import {parseDenial} from './audit-record.ts';
import {noteLoss, type SourceResult, suppressed, type Take} from './denial-sources.ts';
import {readText} from './lsm.ts';

const journalctl = '/usr/bin/journalctl';
const maxBytes = 16 * 1024 * 1024;
const timeoutMs = 30_000;
/** AVC of either LSM, USER_AVC, SELINUX_ERR: linux/audit.h. */
const auditTypes = ['1400', '1107', '1401'];

/**
 * The journal's kernel messages and audit records since then, newest first. Null when there is no journal. Without root,
 * journalctl leaves the system's messages out without an error, so the system journal itself must be readable.
 */
export async function readJournal(host: Host, since: number, take: Take): Promise<SourceResult> {
  const place = await findJournal(host);
  if (place === null || 'reason' in place) return place;
  const argv: [string, ...string[]] = [
    journalctl,
    '--quiet',
    '--no-pager',
    '--reverse',
    '--output=json',
    '--output-fields=MESSAGE,_AUDIT_ID,_SOURCE_REALTIME_TIMESTAMP',
    `--since=@${Math.floor(since / 1000)}`,
    '_TRANSPORT=kernel',
    '+',
    ...auditTypes.map(type => `_AUDIT_TYPE=${type}`),
  ];
  const result = await host.run(argv, {maxBytes, timeoutMs});
  if (result.failed && !result.truncated)
    return {
      reason: `${result.reason}${result.stderr === '' ? '' : `: ${result.stderr.trim().split('\n')[0]?.slice(0, 200)}`}`,
    };
  const lost = new Set<string>();
  let hasAudit = false;
  for (const line of result.stdout.split('\n')) hasAudit = takeEntry(line, take, lost) || hasAudit;
  // The journal got the audit records themselves, so that their copies in the kernel's log were thinned out loses none.
  if (hasAudit) lost.delete(suppressed);
  if (result.truncated) lost.add(`only the last ${maxBytes} bytes of the journal were read`);
  const booted = host.uname?.bootedMs ?? null;
  if (place.volatile && booted !== null && booted > since)
    lost.add('the journal is kept in memory only, so it begins at the last boot');
  return {source: 'journal', lost: [...lost]};
}

async function findJournal(host: Host): Promise<{volatile: boolean} | {reason: string} | null> {
  const id = await readText(host, '/etc/machine-id', 64);
  if (!id.ok) return id.code === 'absent' ? null : {reason: id.reason};
  for (const [folder, volatile] of [
    ['/var/log/journal', false],
    ['/run/log/journal', true],
  ] as const) {
    const path = `${folder}/${id.value.trim()}/system.journal`;
    const file = await host.fs.readTail(path, {maxBytes: 1});
    if (file.ok) return {volatile};
    if (file.code !== 'absent') return {reason: file.reason};
  }
  return null;
}

/** One JSON object a line; MESSAGE is text, or a list of bytes where it is not UTF-8. Broken lines, and the cut last one, are passed over. True for an audit record. */
function takeEntry(line: string, take: Take, lost: Set<string>): boolean {
  if (line === '') return false;
  let entry: {[key: string]: unknown};
  try {
    entry = JSON.parse(line);
  } catch {
    return false;
  }
  const {MESSAGE: message, _AUDIT_ID: id, _SOURCE_REALTIME_TIMESTAMP: source, __REALTIME_TIMESTAMP: received} = entry;
  const text =
    typeof message === 'string'
      ? message
      : Array.isArray(message)
        ? Buffer.from(message as number[]).toString('utf8')
        : '';
  noteLoss(text, lost);
  const at = Number(source ?? received) / 1000;
  if (!Number.isFinite(at)) return false;
  const event =
    typeof id === 'string' ? `${Math.floor(at / 1000)}.${String(Math.floor(at) % 1000).padStart(3, '0')}:${id}` : null;
  const denial = parseDenial(text, {at, event});
  if (denial !== null) take(denial);
  return typeof id === 'string';
}

import type {DenialGroup} from '../../../../policies/facts/denials.ts';
import {type AuditFields, innerMessage, parseFields} from './audit-fields.ts';

/** One refusal, before those that say the same are counted together. */
export type Denial = Pick<DenialGroup, 'lsm' | 'subject' | 'operation' | 'class' | 'target' | 'mode'> & {
  /** Milliseconds since the epoch. */
  at: number;
  /** `seconds.milliseconds:serial` of the event: the same in every log that has it; null where the log does not say. */
  event: string | null;
  pid: number | null;
  text: string;
};

const stamp = /audit\((\d{1,12})\.(\d{1,3}):(\d{1,12})\)/;
const maxLength = 16 * 1024;

/** Cheap: whether a line may hold a denial at all. Most lines of a log do not. */
export const mayBeDenial = (line: string): boolean =>
  line.includes('avc:') || line.includes('apparmor="') || line.includes('SELINUX_ERR') || line.includes('type=1401 ');

/**
 * The denial that a line of a log holds, or null. Understands audit.log (`type=AVC msg=audit(…): …`), the kernel's own
 * log (`audit: type=1400 audit(…): …`) and the journal's audit records (`AVC …`); record types AVC/1400 of either LSM,
 * USER_AVC/1107 and SELINUX_ERR/1401. `fallback` stands in for the time and event that the journal keeps apart.
 */
export function parseDenial(line: string, fallback: {at: number; event: string | null} | null = null): Denial | null {
  if (!mayBeDenial(line)) return null;
  // Fields after the separator were added by auditd when it wrote the line (log_format = ENRICHED).
  const text = (line.split('\x1d', 1)[0] as string).slice(0, maxLength).trim();
  const mark = stamp.exec(text);
  const at = mark === null ? fallback?.at : Number(mark[1]) * 1000 + Number((mark[2] as string).padEnd(3, '0'));
  if (at === undefined) return null;
  const event = mark === null ? (fallback?.event ?? null) : `${mark[1]}.${mark[2]}:${mark[3]}`;
  const head = mark === null ? text.slice(0, 16) : text.slice(0, mark.index);
  const outer = mark === null ? text : text.slice(mark.index + mark[0].length);
  // A name in a kernel record may hold "msg='" or "avc:": only the record's type and its beginning say what it is.
  const fromUser = /(?:^|type=)(?:USER_AVC|1107) /.test(head);
  const body = (fromUser ? innerMessage(outer) : outer).replace(/^[:\s]{0,8}(?:AVC\s{1,4})?/, '');
  const fields = parseFields(body);
  const found = body.startsWith('avc:')
    ? selinuxDenial(body, fields)
    : body.startsWith('apparmor=')
      ? apparmorDenial(fields)
      : selinuxError(head, fields);
  if (found === null) return null;
  const pid = fields.get('pid') ?? (fromUser ? parseFields(outer).get('pid') : undefined) ?? '';
  return {...found, at, event, pid: /^\d{1,10}$/.test(pid) ? Number(pid) : null, text};
}

type Found = Omit<Denial, 'at' | 'event' | 'pid' | 'text'>;

/** `avc:  denied  { read open } for  pid=1 … scontext=u:r:t:s0 tcontext=… tclass=file permissive=0` */
function selinuxDenial(text: string, fields: AuditFields): Found | null {
  const denied = /^avc:\s{1,4}denied\s{1,4}\{([^{}]{1,1000})\}/.exec(text);
  if (denied === null) return null;
  return {
    lsm: 'selinux',
    subject: contextType(fields.get('scontext')),
    operation: (denied[1] as string).trim().split(/\s+/).sort().join(' '),
    class: fields.get('tclass') ?? '',
    target: contextType(fields.get('tcontext')),
    mode: fields.get('permissive') === '1' ? 'permissive' : 'enforced',
  };
}

/** The third of four parts: levels hold colons of their own. */
function contextType(context: string | undefined): string {
  return context === undefined ? 'unknown' : (context.split(':')[2] ?? context);
}

const enforced = new Set(['DENIED', 'KILLED']);

/** `apparmor="DENIED" operation="open" profile="…" name="…" requested_mask="r" denied_mask="r"`; ALLOWED is complain mode. */
function apparmorDenial(fields: AuditFields): Found | null {
  const word = fields.get('apparmor') ?? '';
  if (!enforced.has(word) && word !== 'ALLOWED') return null;
  const mask = fields.get('denied_mask') ?? fields.get('denied') ?? fields.get('mask');
  return {
    lsm: 'apparmor',
    subject: fields.get('profile') ?? fields.get('label') ?? 'unknown',
    operation: fields.get('operation') ?? 'unknown',
    class: [fields.get('class'), mask].filter(part => part !== undefined && part !== '').join(' '),
    target: apparmorTarget(fields),
    mode: enforced.has(word) ? 'enforced' : 'permissive',
  };
}

function apparmorTarget(fields: AuditFields): string {
  const keys = ['capname', 'name', 'target', 'peer', 'peer_label', 'peer_profile', 'sock_type'];
  const key = keys.find(candidate => fields.has(candidate));
  const value = key === undefined ? '' : (fields.get(key) as string);
  const member = fields.get('member');
  const family = fields.get('family');
  return [family, value, member].filter(part => part !== undefined && part !== '').join(' ');
}

/** `op=security_bounded_transition seresult=denied oldcontext=… newcontext=…`: a change of domain that was refused. */
function selinuxError(head: string, fields: AuditFields): Found | null {
  if (!/(?:^|type=)(?:SELINUX_ERR|1401) /.test(head) || fields.get('seresult') !== 'denied') return null;
  return {
    lsm: 'selinux',
    subject: contextType(fields.get('oldcontext') ?? fields.get('scontext')),
    operation: fields.get('op') ?? 'unknown',
    class: fields.get('tclass') ?? 'process',
    target: contextType(fields.get('newcontext') ?? fields.get('tcontext')),
    mode: 'enforced',
  };
}

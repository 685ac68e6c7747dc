/** The fields of an audit record: `key=value`, `key="text"` and `key='text'`, as audit_log_format() of the kernel and auditd write them. */
export type AuditFields = ReadonlyMap<string, string>;

const maxFields = 200;

/**
 * Untrusted texts: the kernel writes them in quotes, or as bare hexadecimal where they hold spaces, quotes or control
 * characters (audit_log_untrustedstring()). A bare word of digits and capitals in these fields is therefore encoded.
 */
const untrusted = new Set([
  'comm',
  'exe',
  'name',
  'path',
  'profile',
  'label',
  'peer',
  'peer_label',
  'peer_profile',
  'target',
  'srcname',
  'namespace',
  'cwd',
  'proctitle',
  'info',
]);

/** Reads fields from left to right; the first of two with one name counts. What stands between them is passed over. */
export function parseFields(text: string): AuditFields {
  const fields = new Map<string, string>();
  let at = 0;
  while (at < text.length && fields.size < maxFields) {
    const equals = text.indexOf('=', at);
    if (equals < 0) break;
    const key = text.slice(text.lastIndexOf(' ', equals) + 1, equals);
    const quote = text[equals + 1];
    const quoted = quote === '"' || quote === "'";
    const start = quoted ? equals + 2 : equals + 1;
    const end = text.indexOf(quoted ? quote : ' ', start);
    const value = text.slice(start, end < 0 ? text.length : end);
    if (key !== '' && !fields.has(key)) fields.set(key, quoted ? value : decodeUntrusted(key, value));
    at = end < 0 ? text.length : end + 1;
  }
  return fields;
}

function decodeUntrusted(key: string, value: string): string {
  if (!untrusted.has(key) || value.length % 2 !== 0 || !/^[0-9A-F]+$/.test(value)) return value;
  return Buffer.from(value, 'hex').toString('utf8');
}

/** A record of user space holds another in `msg='…'`; what is denied stands in the inner one, who sent it in the outer one. */
export function innerMessage(text: string): string {
  const start = text.indexOf("msg='");
  if (start < 0) return text;
  const end = text.lastIndexOf("'");
  return text.slice(start + 5, end > start + 5 ? end : text.length);
}

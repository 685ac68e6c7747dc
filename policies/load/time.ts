const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of an RFC 3339 time with a zone; null for anything else, such as a bare date. */
export function parseTime(text: string): number | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const ms = Date.parse(text);
  const [, , month, day, hour, minute, second] = match.map(Number);
  const inRange =
    (month as number) >= 1 &&
    (month as number) <= 12 &&
    (day as number) >= 1 &&
    (hour as number) < 24 &&
    (minute as number) < 60 &&
    (second as number) < 60;
  const daysInMonth = new Date(Date.UTC(Number(match[1]), month as number, 0)).getUTCDate();
  return Number.isNaN(ms) || !inRange || (day as number) > daysInMonth ? null : ms;
}

import type {TimeFact} from '../../../../policies/facts/time.ts';
import type {CommandResult, Host} from '../../host.ts';

type Clock = TimeFact['clock'];
type Said = Extract<Clock, {synchronised: boolean}>;

/** The commands that are asked, docs/kinds/time.md names them for cases. */
const chronyc = ['/usr/bin/chronyc', '-n', 'tracking'] as const;
const ntpq = ['/usr/bin/ntpq', '-c', 'rv'] as const;
const ntpctl = ['/usr/sbin/ntpctl', '-s', 'status'] as const;
const timesync = ['/usr/bin/timedatectl', 'timesync-status'] as const;
const timedate = ['/usr/bin/timedatectl', 'show', '--property=NTPSynchronized'] as const;

/** Asks the services one after the other; the first that answers decides, and last the kernel's own flag. */
export async function readClock(host: Host): Promise<Clock> {
  if (!host.live) return {notApplicable: 'whether the clock is in step can be seen on the running machine only'};
  const reasons: string[] = [];
  for (const [argv, read] of [
    [chronyc, readChronyc],
    [ntpq, readNtpq],
    [ntpctl, readNtpctl],
  ] as const) {
    const result = await host.run(argv);
    const said = result.failed ? null : read(result.stdout);
    if (said !== null) return said;
    if (!isMissing(result)) reasons.push(result.failed ? result.reason : `cannot read what ${argv.join(' ')} says`);
  }
  const booted = (await host.fs.lstat('/run/systemd/system')).ok;
  const timesyncd = await readTimesyncFlag(host, booted);
  if (timesyncd !== null) return timesyncd;
  if (!booted) return {unseen: reasons.join('; ') || 'no time service is here that could be asked'};
  const result = await host.run(timedate);
  const match = result.failed ? null : /^NTPSynchronized=(yes|no)$/m.exec(result.stdout);
  if (match === null)
    return {unseen: [...reasons, result.failed ? result.reason : 'cannot read what timedatectl says'].join('; ')};
  return {synchronised: match[1] === 'yes', offsetMs: null, by: 'timedatectl', detail: match[0]};
}

const isMissing = ({exitCode, timedOut, reason}: CommandResult) =>
  exitCode === null && !timedOut && reason.endsWith('it is not installed');

/** systemd-timesyncd makes its directory when it starts and the flag in it when the clock is in step. */
async function readTimesyncFlag(host: Host, booted: boolean): Promise<Clock | null> {
  const running = await host.fs.lstat('/run/systemd/timesync');
  if (!running.ok) return running.code === 'absent' ? null : {unseen: running.reason};
  const flag = await host.fs.lstat('/run/systemd/timesync/synchronized');
  if (!flag.ok && flag.code !== 'absent') return {unseen: flag.reason};
  const by = '/run/systemd/timesync/synchronized';
  if (!flag.ok) return {synchronised: false, offsetMs: null, by, detail: 'systemd-timesyncd has set no flag'};
  const status = booted ? await host.run(timesync) : null;
  const offset =
    status === null || status.failed ? null : /^\s*Offset: ([+-]?[\d.]+)(us|ms|s|min)\b/m.exec(status.stdout);
  const offsetMs =
    offset === null ? null : milliseconds(Number(offset[1]) * (unitMs.get(offset[2] as string) as number));
  return {
    synchronised: true,
    offsetMs,
    by,
    detail: offset === null ? 'the flag of systemd-timesyncd is set' : offset[0].trim(),
  };
}

/** Unsigned, to the microsecond. */
const milliseconds = (offset: number) => Math.round(Math.abs(offset) * 1000) / 1000;

const unitMs = new Map([
  ['us', 0.001],
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
]);

/** chronyc(1), `tracking`. */
export function readChronyc(text: string): Said | null {
  const leap = /^Leap status\s*: (.+?)\s*$/m.exec(text);
  if (leap === null) return null;
  const offset = /^System time\s*: ([\d.]+) seconds/m.exec(text);
  const synchronised = leap[1] !== 'Not synchronised';
  return {
    synchronised,
    offsetMs: offset === null || !synchronised ? null : milliseconds(Number(offset[1]) * 1000),
    by: chronyc.join(' '),
    detail: `leap status ${leap[1]}`,
  };
}

/** ntpq(1), `rv`: leap_alarm or 11 means that the clock was never set. */
export function readNtpq(text: string): Said | null {
  const leap = /\bleap_(none|alarm|add_sec|del_sec)\b/.exec(text)?.[1] ?? /\bleap=(\d\d)\b/.exec(text)?.[1];
  if (leap === undefined) return null;
  const synchronised = leap !== 'alarm' && leap !== '11' && !/\bstratum=16\b/.test(text);
  const offset = /\boffset=([+-]?[\d.]+)/.exec(text);
  return {
    synchronised,
    offsetMs: offset === null || !synchronised ? null : milliseconds(Number(offset[1])),
    by: ntpq.join(' '),
    detail: `leap ${leap}`,
  };
}

/** ntpctl(8), `-s status`: `4/4 peers valid, clock synced, stratum 3`. */
export function readNtpctl(text: string): Said | null {
  const match = /\bclock (synced|unsynced)\b/.exec(text);
  if (match === null) return null;
  const offset = /\bclock offset is ([+-]?[\d.]+)ms\b/.exec(text);
  return {
    synchronised: match[1] === 'synced',
    offsetMs: offset === null ? null : milliseconds(Number(offset[1])),
    by: ntpctl.join(' '),
    detail: match[0],
  };
}

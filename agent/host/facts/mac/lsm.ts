import {type Answer, absent, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {Host} from '../../host.ts';
import type {Look} from '../../look.ts';

/** A small file's text, for the files of /proc, /sys and securityfs. */
export async function readText(host: Host, path: string, maxBytes = 64 * 1024): Promise<Look<string>> {
  const file = await host.fs.readFile(path, {maxBytes});
  if (!file.ok) return file;
  if (file.value.truncated)
    return {ok: false, code: 'io', reason: `cannot read ${path}: it is larger than ${maxBytes} bytes`};
  return {ok: true, value: file.value.bytes.toString('utf8')};
}

/** A look as an answer, its text turned into a value; null from `parse` means that the text was not understood. */
export function answerOf<T>(look: Look<string>, path: string, parse: (text: string) => T | null): Answer<T> {
  if (!look.ok) return look.code === 'absent' ? absent(`${path} does not exist`, [path]) : unseen(look.reason);
  const value = parse(look.value);
  return value === null
    ? unseen(`cannot understand ${path}: it holds ${JSON.stringify(look.value.slice(0, 40))}`)
    : seen(value, [path]);
}

const maxMountBytes = 4 * 1024 * 1024;

/**
 * Where a file system of this type is mounted, from /proc/self/mountinfo (proc_pid_mountinfo(5)): never by a usual
 * path, which a container may leave empty or mask. The last mount covers the earlier ones.
 */
export async function mountPoint(host: Host, fstype: string): Promise<Answer<string>> {
  if (!host.live) return liveOnly(`where ${fstype} is mounted`);
  const path = '/proc/self/mountinfo';
  const text = await readText(host, path, maxMountBytes);
  if (!text.ok) return unseen(text.reason);
  let found: Answer<string> = absent(`${fstype} is not mounted`, [path]);
  for (const [index, line] of text.value.split('\n').entries()) {
    const [head, tail] = line.split(' - ', 2);
    const point = head?.split(' ')[4];
    if (point !== undefined && tail?.split(' ')[0] === fstype) {
      const value = point.replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      );
      found = seen(value, [`${path}:${index + 1}`]);
    }
  }
  return found;
}

/** The kernel's list of active LSMs, in their order. Unseen when securityfs is not mounted: absence is then no answer. */
export async function activeLsms(host: Host): Promise<Answer<string[]>> {
  if (!host.live) return liveOnly('the active LSMs');
  const mount = await mountPoint(host, 'securityfs');
  if (mount.state !== 'seen') {
    if (mount.state !== 'absent') return mount;
    return unseen(`securityfs is not mounted, so the kernel's list of LSMs cannot be read${await labelHint(host)}`);
  }
  const path = `${mount.value}/lsm`;
  const text = await readText(host, path);
  // Older than Linux 4.17 there is no such file; a masked securityfs in a container is empty too.
  if (!text.ok)
    return unseen(
      text.code === 'absent'
        ? `${path} is not there: securityfs is masked, or the kernel is older than 4.17${await labelHint(host)}`
        : text.reason,
    );
  const names = text.value
    .trim()
    .split(',')
    .filter(name => name !== '');
  return seen(names, [path]);
}

/** What our own label lets one guess; a guess is no answer, so it goes into the reason. */
async function labelHint(host: Host): Promise<string> {
  const label = await readText(host, '/proc/self/attr/current', 4096);
  if (label.ok)
    return `; this process has the label "${label.value.replace(/[\0\n]+$/, '')}", so one that labels processes is active`;
  return label.code === 'unsupported'
    ? '; /proc/self/attr/current answers EINVAL, so none that labels processes seems active'
    : '';
}

/** Whether one LSM is in the list of active ones. */
export function hasLsm(lsms: Answer<string[]>, name: string): Answer<boolean> {
  return lsms.state === 'seen' ? seen(lsms.value.includes(name), lsms.where) : lsms;
}

import {liveOnly, seen, unseen} from '../../../policies/facts/answer.ts';
import {parseMountinfo} from '../mountinfo.ts';
import {single} from './collector.ts';

const path = '/proc/self/mountinfo';
/** The kernel allows 100,000 mounts a namespace (fs.mount-max); a line is some 200 bytes. */
const maxBytes = 32 * 1024 * 1024;

export const collectMounts = single<'mounts'>(async ({host}) => {
  if (!host.live) return liveOnly('what is mounted');
  const file = await host.fs.readFile(path, {maxBytes});
  if (!file.ok) return unseen(file.reason);
  if (file.value.truncated) return unseen(`cannot read ${path}: it is larger than ${maxBytes} bytes`);
  const mounts = parseMountinfo(file.value.bytes);
  const lines = file.value.bytes
    .toString('latin1')
    .split('\n')
    .filter(line => line !== '').length;
  if (mounts.length !== lines)
    return unseen(`cannot read ${path}: ${lines - mounts.length} of ${lines} lines are damaged`);
  return seen(mounts, [path]);
});

import {type Answer, seen, unseen} from '../../../policies/facts/answer.ts';
import type {RealPathsFact} from '../../../policies/facts/realpath.ts';
import {expandPattern} from '../glob.ts';
import type {HostFs} from '../host.ts';
import type {Collector} from './collector.ts';

export const collectRealPaths: Collector<'realPaths'> = (requests, {host}) =>
  Promise.all(requests.map(({path}) => resolve(host.fs, path)));

async function resolve(fs: HostFs, pattern: string): Promise<Answer<RealPathsFact>> {
  const {paths, unseen: hidden} = await expandPattern(fs, pattern);
  const reasons = hidden.map(({reason}) => reason);
  const real = new Set<string>();
  for (const path of paths) {
    const target = await fs.realPath(path);
    if (target.ok) real.add(target.value);
    else if (target.code !== 'absent') reasons.push(target.reason);
  }
  return reasons.length > 0 ? unseen(reasons.join('; ')) : seen([...real], paths.length > 0 ? paths : [pattern]);
}

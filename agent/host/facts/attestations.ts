import {type Answer, seen, unseen} from '../../../policies/facts/answer.ts';
import type {AttestationsFact} from '../../../policies/facts/attestations.ts';
import {loadAttestations} from '../../../policies/load/attestations.ts';
import {whyUnsafe} from '../../config/own-file.ts';
import type {Host} from '../host.ts';
import {type Looking, single} from './collector.ts';

export const attestationsName = 'attestations.yaml';

/**
 * Attestations are this site's own word, not the judged host's: with an image they come from the machine that runs
 * reeve. A file that others could have written, or that is not right, confirms nothing.
 */
export const collectAttestations = single<'attestations'>(async (looking): Promise<Answer<AttestationsFact>> => {
  const {program, directory} = siteOf(looking);
  const path = `${directory}/${attestationsName}`;
  const file = await readSafely(program, directory, path);
  if (file === null) return seen({path, attestations: []}, [path]);
  if ('reason' in file) return unseen(file.reason);
  const loaded = loadAttestations(path, file.text);
  if (loaded.value === null) {
    const [first] = loaded.problems;
    const more = loaded.problems.length > 1 ? ` (and ${loaded.problems.length - 1} more: reeve config check)` : '';
    return unseen(`${first?.path}:${first?.line}:${first?.column}: ${first?.message}${more}`);
  }
  const hostname = await readHostname(looking.host);
  const own = loaded.value.filter(({host}) => host === null || host === hostname);
  return seen({path, attestations: own}, [path]);
});

const siteOf = ({host, site}: Looking) => site ?? {program: host, directory: '/etc/reeve/policies.d'};

async function readSafely(
  host: Host,
  directory: string,
  path: string,
): Promise<{text: string} | {reason: string} | null> {
  const stat = await host.fs.stat(path);
  if (!stat.ok) return stat.code === 'absent' ? null : {reason: stat.reason};
  const parent = await host.fs.stat(directory);
  const wrong =
    whyUnsafe(host, stat.value) ?? (parent.ok ? whyUnsafe(host, parent.value, 'its directory: ') : parent.reason);
  if (wrong !== null) return {reason: `cannot load "${path}": ${wrong}`};
  const file = await host.fs.readFile(path);
  if (!file.ok) return {reason: file.reason};
  return file.value.truncated
    ? {reason: `cannot load "${path}": it is larger than 1 MiB`}
    : {text: file.value.bytes.toString('utf8')};
}

/** The name that attestations for one host must give. */
async function readHostname({fs}: Host): Promise<string | null> {
  for (const path of ['/proc/sys/kernel/hostname', '/etc/hostname']) {
    const file = await fs.readFile(path, {maxBytes: 256});
    if (file.ok) return file.value.bytes.toString('utf8').trim();
  }
  return null;
}

import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {RepositoriesFact} from '../../../../policies/facts/patch.ts';
import type {Host} from '../../host.ts';
import {readAptConfig} from './config.ts';
import {readSources} from './sources.ts';

/** Settings that let apt take lists or packages without a valid signature, from any source. */
const weakening = [
  'APT::Get::AllowUnauthenticated',
  'Acquire::AllowInsecureRepositories',
  'Acquire::AllowWeakRepositories',
  'Acquire::AllowDowngradeToInsecureRepositories',
];

/** Whether every source of apt demands signatures: sources.list(5) options and apt.conf. */
export async function readAptRepositories(
  host: Host,
  nativeArchitecture: string | null,
): Promise<Answer<RepositoriesFact>> {
  const config = await readAptConfig(host);
  if (!config.ok) return unseen(config.reason);
  const sources = await readSources(host, nativeArchitecture ?? '');
  if (!sources.ok) return unseen(sources.reason);
  if (sources.value.length === 0)
    return absent('no repository is configured in apt', ['/etc/apt/sources.list', '/etc/apt/sources.list.d']);
  const repositories = sources.value.map(({uri, suite, trusted, insecure, enabled, where}) => ({
    name: `${uri.replace(/\/\/[^/@]*@/, '//')} ${suite}`,
    where,
    enabled,
    unsigned: [...(trusted === true ? ['trusted=yes'] : []), ...insecure.map(option => `${option}=yes`)],
  }));
  const settings = weakening.flatMap(name => {
    const item = config.value.find(name);
    return item !== null && config.value.boolean(name, false)
      ? [{what: `${name} "${item.value}"`, where: item.where}]
      : [];
  });
  return seen({manager: 'apt', repositories, settings}, [
    ...new Set(sources.value.map(({where}) => where.replace(/:\d+$/, ''))),
  ]);
}

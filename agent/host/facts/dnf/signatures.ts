import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {RepositoriesFact} from '../../../../policies/facts/patch.ts';
import type {Host} from '../../host.ts';
import {iniBoolean} from '../rpm/ini.ts';
import {readDnfConfiguration} from '../rpm/repositories.ts';

/** dnf5 calls it pkg_gpgcheck and knows the old name too. */
const keys = ['pkg_gpgcheck', 'gpgcheck'];

/** Whether dnf demands signatures of the packages of every repository: gpgcheck of dnf.conf(5), off by default. */
export async function readDnfRepositories(host: Host): Promise<Answer<RepositoriesFact>> {
  const configuration = await readDnfConfiguration(host);
  if (configuration === null) return absent('no repository of dnf or yum is configured', ['/etc/yum.repos.d']);
  if ('reason' in configuration) return unseen(configuration.reason);
  const ofMain = setting(configuration.main);
  const repositories = configuration.repositories.map(({id, where, enabled, options}) => {
    const own = setting(options) ?? ofMain;
    const checked = own !== null && iniBoolean(own.value) === true;
    const unsigned = checked
      ? []
      : [own === null ? 'gpgcheck is not set, and off by default' : `gpgcheck=${own.value} (${own.where})`];
    return {name: id, where, enabled, unsigned};
  });
  const off = ofMain !== null && iniBoolean(ofMain.value) === false;
  return seen(
    {manager: 'dnf', repositories, settings: off ? [{what: `gpgcheck=${ofMain.value}`, where: ofMain.where}] : []},
    configuration.read,
  );
}

function setting(options: Map<string, {value: string; where: string}>): {value: string; where: string} | null {
  const key = keys.find(name => options.has(name));
  return key === undefined ? null : (options.get(key) ?? null);
}

import type {SettingFact} from '../../../../policies/facts/setting.ts';
import {compareVersions} from '../../../../policies/version.ts';
import {packageVersion} from './package-version.ts';
import type {SettingLooking} from './reader.ts';

/** Flags that are the same in every sudo from 1.8.21. Source: sudoers(5), sudo's plugins/sudoers/defaults.c. */
const steady = new Map([
  ['authenticate', 'true'],
  ['env_reset', 'true'],
  ['insults', 'false'],
  ['log_input', 'false'],
  ['log_output', 'false'],
  ['logfile', 'false'],
  ['mail_always', 'false'],
  ['noexec', 'false'],
  ['pwfeedback', 'false'],
  ['requiretty', 'false'],
  ['rootpw', 'false'],
  ['root_sudo', 'true'],
  ['runaspw', 'false'],
  ['setenv', 'false'],
  ['targetpw', 'false'],
  ['visiblepw', 'false'],
]);

/** What sudo does when sudoers does not say; null for what differs between builds. */
export async function sudoDefault(name: string, looking: SettingLooking): Promise<SettingFact['default']> {
  const value = steady.get(name);
  if (value !== undefined) return {value, source: 'sudo'};
  if (name !== 'use_pty') return null;
  const version = await packageVersion('sudo', looking);
  if (version === null) return {unseen: 'sudo is not installed as a package, so its default is not known'};
  if (typeof version !== 'string') return version;
  const upstream = /^(?:\d+:)?([\d.]+)/.exec(version)?.[1] ?? '0';
  return {value: String(compareVersions(upstream, '1.9.14') >= 0), source: `sudo ${upstream}`};
}

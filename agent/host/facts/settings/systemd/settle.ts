import type {SettingFact, SettingValue} from '../../../../../policies/facts/setting.ts';
import type {Entry} from '../parse/entry.ts';
import {isSystemdList} from './lists.ts';

export type PlacedEntry = Entry & {path: string; origin: SettingValue['origin']};

/** Settings that take one word of several: an empty assignment is no such word, and systemd ignores it. */
const words = new Set(
  `DevicePolicy ExitType KeyringMode KillMode NotifyAccess OOMPolicy ProcSubset ProtectHome ProtectProc ProtectSystem
  Restart RestartMode Storage Type`.split(/\s+/),
);

const isBoolean = (value: string): boolean => /^(?:1|yes|y|true|t|on|0|no|n|false|f|off)$/i.test(value);

/**
 * What the assignments of one setting leave, in the order in which systemd reads them. An empty one takes back what was
 * before, but for switches and words, where systemd ignores it.
 */
export function settleSystemd(entries: PlacedEntry[]): Pick<SettingFact, 'values' | 'overridden'> {
  let values: SettingValue[] = [];
  const overridden: SettingValue[] = [];
  for (const {key, value, path, line, origin} of entries) {
    const ignored = value === '' && (words.has(key) || values.some(before => isBoolean(before.value)));
    if (ignored) continue;
    if (value === '' || !isSystemdList(key)) overridden.push(...values.splice(0));
    if (value !== '') values = [...values, {value, where: `${path}:${line}`, origin}];
  }
  return {values, overridden};
}

/** `Section.Key`, split at the first dot. */
export function splitKey(key: string): {section: string; name: string} {
  const dot = key.indexOf('.');
  return {section: key.slice(0, dot), name: key.slice(dot + 1)};
}

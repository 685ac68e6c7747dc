import type {SettingFact, SettingValue} from '../../../../../policies/facts/setting.ts';
import type {Entry} from '../parse/entry.ts';
import {isSystemdList} from './lists.ts';

export type PlacedEntry = Entry & {path: string; origin: SettingValue['origin']};

/** What the assignments of one setting leave, in the order in which systemd reads them. */
export function settleSystemd(entries: PlacedEntry[]): Pick<SettingFact, 'values' | 'overridden'> {
  let values: SettingValue[] = [];
  const overridden: SettingValue[] = [];
  for (const {key, value, path, line, origin} of entries) {
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

import {unseen} from '../../../policies/facts/answer.ts';
import type {Collector} from './collector.ts';
import {settingReaders} from './settings/index.ts';

/** Each configuration is read and parsed once, however many rules ask for its keys. */
export const collectSetting: Collector<'setting'> = async (requests, {host, tables}) => {
  const kept = new Map<string, Promise<unknown>>();
  const once = <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const made = kept.get(key) ?? make();
    kept.set(key, made);
    return made as Promise<T>;
  };
  return Promise.all(
    requests.map(async request => {
      try {
        return await settingReaders[request.format](request, {host, tables, once});
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return unseen(`cannot read the setting ${request.key}: ${message}; this is a bug in reeve, please report it`);
      }
    }),
  );
};

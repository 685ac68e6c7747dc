import type {TimeSource} from '../../../../policies/facts/time.ts';
import type {Looking} from '../collector.ts';
import {readSystemdConf} from '../settings/systemd-conf.ts';

/** timesyncd.conf(5) and its drop-ins. Servers that are built into timesyncd are named by nobody, so they do not count. */
export async function readTimesyncd({host, tables}: Looking): Promise<{sources: TimeSource[]; unreadable: string[]}> {
  const sources: TimeSource[] = [];
  for (const key of ['NTP', 'FallbackNTP']) {
    const request = {format: 'systemd-conf' as const, files: ['/etc/systemd/timesyncd.conf'], key: `Time.${key}`};
    const answer = await readSystemdConf(request, {host, tables, once: (_, make) => make()});
    if (answer.state === 'unseen') return {sources: [], unreadable: [answer.reason]};
    for (const {value, where} of answer.state === 'seen' ? answer.value.values : []) {
      for (const address of value.split(/\s+/).filter(word => word !== '')) {
        sources.push({service: 'systemd-timesyncd', kind: key === 'NTP' ? 'server' : 'fallback', address, where});
      }
    }
  }
  return {sources, unreadable: []};
}

import {seen} from '../../../../policies/facts/answer.ts';
import type {TimeFact} from '../../../../policies/facts/time.ts';
import {single} from '../collector.ts';
import {readClock} from './clock.ts';
import {readChrony, readNtp, readOpenntpd} from './ntp-conf.ts';
import {readTimesyncd} from './timesyncd.ts';
import {readZone} from './zone.ts';

export const collectTime = single<'time'>(async looking => {
  const {host} = looking;
  const walks = [
    await readChrony(host),
    await readNtp(host, 'ntpsec'),
    await readNtp(host, 'ntp'),
    await readOpenntpd(host),
  ];
  const timesyncd = await readTimesyncd(looking);
  const value: TimeFact = {
    clock: await readClock(host),
    sources: [...walks.flatMap(({sources}) => sources), ...timesyncd.sources],
    unreadable: [
      ...walks.flatMap(({service, reading}) => reading.unreadable.map(reason => ({service, reason}))),
      ...timesyncd.unreadable.map(reason => ({service: 'systemd-timesyncd' as const, reason})),
    ],
    zone: await readZone(host),
  };
  return seen(value, ['/etc/localtime', ...new Set(value.sources.map(({where}) => where.replace(/:\d+$/, '')))]);
});

import {setTimeout as sleep} from 'node:timers/promises';
import type {WireFinding} from '../controller/protocol/batch.ts';
import {FleetProcess} from './agents/fleet-process.ts';
import {inFolder} from './folder.ts';
import {wanted} from './limits.ts';
import {cpuSeconds, rssMb} from './site/proc.ts';
import {Site} from './site/site.ts';
import {printTable, ratio} from './table.ts';

const hosts = 2000;
const findingsAHost = 20;
const rounds = 3;
const idleSeconds = 60;
const settleMs = 10_000;

/** One controller and many simulated hosts: memory and CPU a host, accepting, storing, and coming back. */
export async function fleetTables(): Promise<string[]> {
  return await inFolder(async folder => {
    const site = await Site.make({folder, config: null});
    const fleet = new FleetProcess();
    try {
      site.limitController({admission_per_second: 100_000, enrols_per_second: 100_000});
      await site.startController();
      await sleep(settleMs);
      const pid = () => site.controller.runningPid;
      const emptyMb = rssMb(pid());

      const enrolSeconds = await seconds(async () => {
        await fleet.ask({
          do: 'enrol',
          ticket: await site.ticket(hosts),
          count: hosts,
          atOnce: 32,
          findings: findings(),
        });
      });
      await fleet.ask({do: 'acknowledged'});
      await sleep(settleMs);
      const cpuBefore = cpuSeconds(pid());
      await sleep(idleSeconds * 1000);
      const idlePercent = ((cpuSeconds(pid()) - cpuBefore) / idleSeconds) * 100;
      const fullMb = rssMb(pid());

      await fleet.ask({do: 'clear'});
      const storeSeconds = await seconds(async () => {
        for (let round = 0; round < rounds; round++) await fleet.ask({do: 'change', count: findingsAHost});
      });
      const {stepsAcknowledged, ackMs} = await fleet.ask({do: 'stats'});

      await site.controller.end('SIGKILL');
      site.limitController({});
      await fleet.ask({do: 'clear'});
      const backSeconds = await seconds(async () => {
        await site.startController();
        await fleet.ask({do: 'allOpen'});
      });
      const {lost} = await fleet.ask({do: 'stats'});

      const kbAHost = ((fullMb - emptyMb) * 1024) / hosts;
      return [
        printTable(
          `${hosts} simulated hosts with ${findingsAHost} findings each on one controller; the hosts share its machine`,
          ['what', 'wanted', 'found', 'share'],
          [
            ['RSS without hosts', '-', `${emptyMb.toFixed(0)} MB`, '-'],
            ['RSS with all connected', '-', `${fullMb.toFixed(0)} MB`, '-'],
            ['RSS a host', `at most ${wanted.kbAHost} KB`, `${kbAHost.toFixed(0)} KB`, ratio(kbAHost, wanted.kbAHost)],
            [`CPU of one core, heartbeats alone, ${idleSeconds} s`, '-', `${idlePercent.toFixed(1)} %`, '-'],
            ['hosts enrolled and welcomed a second', '-', `${(hosts / enrolSeconds).toFixed(0)}`, '-'],
            ['steps stored durably a second', '-', `${(stepsAcknowledged / storeSeconds).toFixed(0)}`, '-'],
            ['acknowledgement of a batch when all send one at once, median', '-', `${ackMs.p50.toFixed(0)} ms`, '-'],
            ['the same, 99 of 100', '-', `${ackMs.p99.toFixed(0)} ms`, '-'],
            ['all back after kill -9 and restart', '-', `${backSeconds.toFixed(1)} s`, '-'],
            ['tries that were refused or failed meanwhile', '-', `${sum(Object.values(lost))}`, '-'],
          ],
        ),
      ];
    } finally {
      await fleet.end();
      await site.end();
    }
  });
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);

/** Made up, of the size of real ones. */
const findings = (): WireFinding[] =>
  Array.from({length: findingsAHost}, (_, index) => ({
    rule: `files.simulated-${index}`,
    pack: 'linux-baseline',
    severity: 'medium',
    subject: `/etc/simulated/${index}`,
    verdict: index % 3 === 0 ? 'fail' : 'pass',
    expected: {mode: 'at most 0640', owner: 'root'},
    actual: {mode: '0644', owner: 'root'},
    wrong: index % 3 === 0 ? ['mode'] : [],
    where: [`/etc/simulated/${index}`],
    scope: 'persistent',
  }));

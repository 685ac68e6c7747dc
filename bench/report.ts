import {spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import type {WireFinding} from '../controller/protocol/batch.ts';
import {limits} from '../controller/protocol/limits.ts';
import {type HostStats, SimulatedHost} from './agents/host.ts';
import {inFolder} from './folder.ts';
import {wanted} from './limits.ts';
import {Site} from './site/site.ts';
import {printTable, ratio} from './table.ts';

const reeve = fileURLToPath(new URL('../bin/reeve', import.meta.url));

type Sent = {findings: number; trips: number; messageBytes: number; wireSent: number; wireReceived: number; ms: number};

/** What the first report of a host costs on the wire, with findings of this machine. */
export async function reportTables(): Promise<string[]> {
  const findings = findingsOfThisMachine().slice(0, wanted.firstReportFindings);
  return await inFolder(async folder => {
    const site = await Site.make({folder, config: null});
    try {
      await site.startController();
      return [table(await report(site, findings))];
    } finally {
      await site.end();
    }
  });
}

async function report(site: Site, findings: WireFinding[]): Promise<Sent> {
  const done = new EventTarget();
  let atOpen: HostStats | null = null;
  let openedAt = 0;
  const host = new SimulatedHost({
    ticket: await site.ticket(1),
    name: 'bench-report',
    events: {
      open: opened => {
        atOpen = opened.stats;
        openedAt = performance.now();
      },
      acknowledged: ({waiting}) => {
        if (waiting === 0) done.dispatchEvent(new Event('all'));
      },
    },
  });
  host.report(findings);
  host.connect();
  await once(done, 'all');
  const ms = performance.now() - openedAt;
  const {stats} = host;
  host.disconnect();
  const before = atOpen as HostStats | null;
  if (before === null) throw new Error('a report was acknowledged on a connection that never opened');
  return {
    findings: findings.length,
    trips: Math.ceil(stats.batchesSent / limits.windowBatches),
    messageBytes: stats.sentBytes - before.sentBytes,
    wireSent: stats.wireSentBytes - before.wireSentBytes,
    wireReceived: stats.wireReceivedBytes - before.wireReceivedBytes,
    ms,
  };
}

function table({findings, trips, messageBytes, wireSent, wireReceived, ms}: Sent): string {
  const {firstReportBytes, firstReportTrips} = wanted;
  const bytes = (what: string, found: number) => [
    what,
    `at most ${firstReportBytes} B`,
    `${found} B`,
    ratio(found, firstReportBytes),
  ];
  return printTable(
    `The first report of a host, ${findings} findings of this machine, from the welcome to the acknowledgement`,
    ['what', 'wanted', 'found', 'share'],
    [
      ['round trips', `at most ${firstReportTrips}`, `${trips}`, ratio(trips, firstReportTrips)],
      bytes('WebSocket messages sent', messageBytes),
      bytes('TCP, both ways', wireSent + wireReceived),
      ['time until it is stored durably', '-', `${ms.toFixed(0)} ms`, '-'],
    ],
  );
}

function findingsOfThisMachine(): WireFinding[] {
  const result = spawnSync(reeve, ['check', '--json'], {encoding: 'utf8', maxBuffer: 256e6, timeout: 600_000});
  const {findings} = JSON.parse(result.stdout) as {
    findings: Array<WireFinding & {observedAt?: string; costMs?: number}>;
  };
  return findings.map(({observedAt, costMs, ...finding}) => finding);
}

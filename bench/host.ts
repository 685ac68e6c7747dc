import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {inFolder} from './folder.ts';
import {type Idle, idle} from './idle.ts';
import {wanted} from './limits.ts';
import {startPeerAgents} from './peer-agents.ts';
import {Site, until} from './site/site.ts';
import {printTable, ratio} from './table.ts';

const idleSeconds = 60;
/** Until what a start leaves behind is collected. */
const settleMs = 15_000;
const tries = 11;
const pollMs = 20;
const rule = 'bench-watched.file';

/** A host with every pack of reeve, and one controller: what they cost while nothing happens, and how soon a change shows. */
export async function hostTables(): Promise<string[]> {
  return await inFolder(async folder => {
    const file = join(folder, 'watched');
    const site = await Site.make({folder, config: writeWatchedPack(folder, file)});
    const peers = startPeerAgents(folder);
    try {
      await site.start();
      await until('the first whole check is done and delivered', 180_000, async () => {
        const {packs, running, stream} = await site.status();
        const done = packs.length > 0 && packs.every(({checkedAt}) => checkedAt !== null) && running === null;
        return done && stream.waiting === 0;
      });
      await sleep(settleMs);
      const running = peers.flatMap(({process}) => process?.pid ?? []);
      const [agent, link, controller, ...others] = await idle(
        [site.agent.runningPid, site.link.runningPid, site.controller.runningPid, ...running],
        idleSeconds,
      );
      const delays = await changeDelays(site, file);
      return [
        idleTable(agent ?? null, link ?? null, controller ?? null),
        peerTable(
          agent ?? null,
          peers.map(({name, process}) => ({name, found: process?.pid == null ? null : (others.shift() ?? null)})),
        ),
        delayTable(delays),
      ];
    } finally {
      for (const {process} of peers) await process?.end('SIGKILL');
      await site.end();
    }
  });
}

function idleTable(agent: Idle | null, link: Idle | null, controller: Idle | null): string {
  const row = (what: string, found: number | undefined, unit: string, limit: number | null) => [
    what,
    limit === null ? '-' : `at most ${limit}${unit}`,
    found === undefined ? 'it ended' : `${found.toFixed(unit === ' %' ? 3 : 0)}${unit}`,
    limit === null || found === undefined ? '-' : ratio(found, limit),
  ];
  return printTable(
    `Idle over ${idleSeconds} s, all packs loaded; CPU of one core, with all children`,
    ['what', 'wanted', 'found', 'share'],
    [
      row('agent, CPU', agent?.cpuPercent, ' %', wanted.idleCpuPercent),
      row('agent, RSS', agent?.rssMb, ' MB', wanted.agentRssMb),
      row('link, CPU', link?.cpuPercent, ' %', null),
      row('link, RSS', link?.rssMb, ' MB', wanted.linkRssMb),
      row('controller of one host, CPU', controller?.cpuPercent, ' %', null),
      row('controller of one host, RSS', controller?.rssMb, ' MB', null),
    ],
  );
}

function peerTable(agent: Idle | null, peers: Array<{name: string; found: Idle | null}>): string {
  return printTable(
    'Beside other agents, idle at the same time; ratios to the agent of reeve',
    ['what', 'CPU', 'RSS', 'CPU ratio', 'RSS ratio'],
    [{name: 'reeve agent', found: agent}, ...peers].map(({name, found}) =>
      found === null || agent === null
        ? [name, 'not installed, or it ended', '-', '-', '-']
        : [
            name,
            `${found.cpuPercent.toFixed(3)} %`,
            `${found.rssMb.toFixed(0)} MB`,
            ratio(found.cpuPercent, agent.cpuPercent),
            ratio(found.rssMb, agent.rssMb),
          ],
    ),
  );
}

/** Milliseconds from each chmod to the first answer of the controller that shows it, sorted. */
async function changeDelays(site: Site, file: string): Promise<number[]> {
  const delays: number[] = [];
  for (let index = 0; index < tries; index++) {
    const [mode, written] = index % 2 === 0 ? ([0o644, '0644'] as const) : ([0o600, '0600'] as const);
    const startedAt = performance.now();
    chmodSync(file, mode);
    await until(`the mode ${written} shows`, 60_000, async () => {
      const [found] = await site.api.findings(`rule=${rule}`);
      return found?.finding.actual?.mode === written;
    });
    delays.push(performance.now() - startedAt);
    await sleep(1000 + 137 * index);
  }
  return delays.sort((a, b) => a - b);
}

function delayTable(delays: number[]): string {
  const row = (name: string, ms: number) => [
    name,
    `at most ${wanted.changeVisibleMs} ms`,
    `${ms.toFixed(0)} ms`,
    ratio(ms, wanted.changeVisibleMs),
  ];
  return printTable(
    `From chmod of a watched file to the answer of the controller that shows it, ${tries} times, asked every ${pollMs} ms`,
    ['what', 'wanted', 'found', 'share'],
    [row('median', delays[Math.floor(delays.length / 2)] ?? 0), row('worst', delays.at(-1) ?? 0)],
  );
}

/** A pack of one rule beside all that ship; returns the path of the agent's configuration. */
function writeWatchedPack(folder: string, file: string): string {
  const policies = join(folder, 'policies.d');
  const pack = join(policies, 'bench-watched');
  mkdirSync(pack, {recursive: true});
  writeFileSync(file, '', {mode: 0o600});
  writeFileSync(join(pack, 'pack.yaml'), 'pack: bench-watched\nversion: 1.0.0\ntitle: One file that is watched\n');
  writeFileSync(
    join(pack, 'file.yaml'),
    `area: file
rules:
  - id: ${rule}
    title: The file is private
    why: The benchmark changes it
    severity: low
    check: {file: {path: ${file}, mode_at_most: "0600"}}
    none: fail
`,
  );
  const config = join(folder, 'agent.yaml');
  writeFileSync(config, `policies_dir: ${policies}\n`, {mode: 0o600});
  return config;
}

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
/** A rule a try: one that changes all the time is judged again at most twice a minute. */
const ruleOf = (index: number) => `bench-watched.${index}`;

/** A host with every pack of reeve, and one controller: what they cost while nothing happens, and how soon a change shows. */
export async function hostTables(): Promise<string[]> {
  return await inFolder(async folder => {
    const site = await Site.make({folder, config: writeWatchedPack(folder)});
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
      const delays = await changeDelays(site, folder);
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
async function changeDelays(site: Site, folder: string): Promise<number[]> {
  const delays: number[] = [];
  for (let index = 0; index < tries; index++) {
    const startedAt = performance.now();
    chmodSync(watched(folder, index), 0o644);
    await until(`the change of file ${index} shows`, 60_000, async () => {
      const [found] = await site.api.findings(`rule=${ruleOf(index)}`);
      return found?.finding.actual?.mode === '0644';
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

const watched = (folder: string, index: number) => join(folder, `watched-${index}`);

/** A pack with a file a rule, beside all that ship; returns the path of the agent's configuration. */
function writeWatchedPack(folder: string): string {
  const policies = join(folder, 'policies.d');
  const pack = join(policies, 'bench-watched');
  mkdirSync(pack, {recursive: true});
  writeFileSync(join(pack, 'pack.yaml'), 'pack: bench-watched\nversion: 1.0.0\ntitle: Files that are watched\n');
  const rules = Array.from({length: tries}, (_, index) => {
    writeFileSync(watched(folder, index), '', {mode: 0o600});
    return `  - id: ${ruleOf(index)}
    title: File ${index} is private
    why: The benchmark changes it
    severity: low
    check: {file: {path: ${watched(folder, index)}, mode_at_most: "0600"}}
    none: fail
`;
  });
  writeFileSync(join(pack, 'files.yaml'), `area: files\nrules:\n${rules.join('')}`);
  const config = join(folder, 'agent.yaml');
  writeFileSync(config, `policies_dir: ${policies}\n`, {mode: 0o600});
  return config;
}

import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {lynisRows, oscapRows} from './agreement.ts';
import {runLynis} from './lynis.ts';
import {isInstalled, type Measured, measure} from './measure.ts';
import {runOscap} from './oscap.ts';
import {printTable, ratio} from './table.ts';

const reeve = fileURLToPath(new URL('../bin/reeve', import.meta.url));
const runs = 3;
const pack = 'linux-baseline';

type Rule = {id: string; kinds: string[]};

/** Time and memory of `reeve check` beside the peers, and whether they agree. */
export function checkTables(): string[] {
  const rules: Rule[] = JSON.parse(
    spawnSync(reeve, ['rules', '--pack', pack, '--json'], {encoding: 'utf8', maxBuffer: 64e6}).stdout,
  );
  const only = (wanted: Rule[]) => wanted.flatMap(({id}) => ['--rule', id]);
  const trees = rules.filter(({kinds}) => kinds.includes('tree'));
  const rest = rules.filter(({kinds}) => !kinds.includes('tree'));
  const check = (args: string[]) => measure([reeve, 'check', '--pack', pack, '--json', ...args], runs);

  const start = measure([reeve, '--version'], runs);
  const quick = check(only(rest));
  const walk = check(only(trees));
  const whole = check([]);
  const patch = measure([reeve, 'patch', '--json'], runs);
  const inodes = Math.max(0, ...[...walk.stdout.matchAll(/none of (\d+) seen/g)].map(([, count]) => Number(count)));

  const oscap = runOscap(1);
  const lynis = runLynis();
  const apt = isInstalled('/usr/bin/apt-get') ? measure(['/usr/bin/apt-get', '-s', 'dist-upgrade'], 1) : null;

  // The share of the walk itself: what the tree rules cost beyond starting the program.
  const perInode = ((walk.cpuSeconds - start.cpuSeconds) / inodes) * 1e6;

  return [
    printTable(
      `Whole processes from a cold start, median of ${runs} (peers: 1); ratios to ${pack} without tree`,
      ['what', 'CPU', 'peak RSS', 'CPU ratio', 'RSS ratio'],
      [
        row(`reeve check, ${rest.length} rules without tree`, quick, quick),
        row(`reeve check, ${trees.length} tree rules`, walk, quick),
        row(`reeve check, all ${rules.length} rules`, whole, quick),
        row('reeve --version', start, quick),
        row(`oscap, ${oscap?.results.size ?? 0} rules of ANSSI high`, oscap?.measured ?? null, quick),
        row('lynis audit system', lynis?.measured ?? null, quick),
      ],
    ),
    printTable(
      'One fact: pending updates',
      ['what', 'CPU', 'peak RSS', 'CPU ratio', 'RSS ratio'],
      [row('reeve patch', patch, patch), row('apt-get -s dist-upgrade', apt, patch)],
    ),
    printTable(
      'Limits that reeve sets itself',
      ['what', 'wanted', 'found', 'share'],
      [
        ['CPU without tree', 'at most 2 s', `${quick.cpuSeconds.toFixed(2)} s`, ratio(quick.cpuSeconds, 2)],
        inodes === 0
          ? ['CPU an inode of the walk', 'at most 15 µs', 'unknown: no inode count in the findings', '-']
          : [
              'CPU an inode of the walk',
              'at most 15 µs',
              `${perInode.toFixed(1)} µs over ${inodes} inodes`,
              ratio(perInode, 15),
            ],
        [
          'peak RSS',
          'at most 100 MB',
          `${Math.max(quick.peakMb, walk.peakMb, whole.peakMb).toFixed(0)} MB`,
          ratio(Math.max(quick.peakMb, walk.peakMb, whole.peakMb), 100),
        ],
      ],
    ),
    printTable(
      'Facts that both decide',
      ['rule of the peer', 'rule of reeve', 'peer', 'reeve', 'agree'],
      [
        ...oscapRows(oscap?.results ?? new Map(), whole.stdout),
        ...(lynis === null ? [] : lynisRows(lynis.complaints, whole.stdout)),
      ],
    ),
    printTable(
      'Pending security updates, as each counts them',
      ['who', 'packages'],
      [
        ['reeve patch', String(pendingOf(patch.stdout))],
        [
          'apt-get -s dist-upgrade, candidate from Debian-Security',
          apt === null ? 'not installed' : String(apt.stdout.match(/^Inst .*Debian-Security/gm)?.length ?? 0),
        ],
        ['lynis, vulnerable packages', lynis === null ? 'not installed' : String(lynis.vulnerable)],
      ],
    ),
  ];
}

const row = (name: string, found: Measured | null, base: Measured): string[] =>
  found === null
    ? [name, 'not installed', '-', '-', '-']
    : [
        name,
        `${found.cpuSeconds.toFixed(2)} s`,
        `${found.peakMb.toFixed(0)} MB`,
        ratio(found.cpuSeconds, base.cpuSeconds),
        ratio(found.peakMb, base.peakMb),
      ];

function pendingOf(patchJson: string): number {
  const {updates} = JSON.parse(patchJson) as {updates: {value?: {pending: Array<{security: boolean}>}}};
  return updates.value?.pending.filter(({security}) => security).length ?? 0;
}

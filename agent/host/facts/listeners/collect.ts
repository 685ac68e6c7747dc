import {type Answer, absent, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {ListenerFact, ListenersFact} from '../../../../policies/facts/listen.ts';
import type {Host, HostFs} from '../../host.ts';
import type {Collector} from '../collector.ts';
import {findHolders} from './holders.ts';
import {parseSocketTable, type SocketRow} from './table.ts';

/** About 100,000 sockets. */
const maxBytes = 16 * 1024 * 1024;
const tables = ['tcp', 'tcp6', 'udp', 'udp6'] as const;

export const collectListeners: Collector<'listeners'> = async (requests, {host}) => {
  const every = requests.some(({everyHolder}) => everyHolder);
  const answer = await look(host, every);
  return requests.map(() => answer);
};

async function look({live, fs}: Host, every: boolean): Promise<Answer<ListenersFact>> {
  if (!live) return liveOnly('listening sockets');
  const folder = (await fs.lstat('/proc/1/net/tcp')).ok ? '/proc/1/net' : '/proc/net';
  const sockets = await readTables(fs, folder);
  if ('reason' in sockets) return unseen(sockets.reason);
  if (sockets.read.length === 0) return absent(`there is no ${folder}/tcp: the kernel has no network`, [folder]);
  const {byInode, unseen: hidden} = await findHolders(fs, new Set(sockets.rows.map(({inode}) => inode)), every);
  const listeners = sockets.rows.map((row): ListenerFact => {
    const holders = byInode.get(row.inode) ?? [];
    return {...row, holders, holdersUnseen: every || holders.length === 0 ? hidden : null};
  });
  return seen({listeners, namespace: folder === '/proc/1/net' ? 'host' : 'own'}, sockets.read);
}

async function readTables(fs: HostFs, folder: string): Promise<{rows: SocketRow[]; read: string[]} | {reason: string}> {
  const rows: SocketRow[] = [];
  const read: string[] = [];
  for (const table of tables) {
    const path = `${folder}/${table}`;
    const file = await fs.readFile(path, {maxBytes});
    if (!file.ok) {
      if (file.code !== 'absent') return {reason: file.reason};
      continue;
    }
    const parsed = parseSocketTable(
      file.value.bytes.toString('latin1'),
      table.startsWith('tcp') ? 'tcp' : 'udp',
      file.value.truncated,
    );
    if (!parsed.complete) return {reason: `cannot read all of ${path}: it has more than ${maxBytes} bytes`};
    rows.push(...parsed.rows);
    read.push(path);
  }
  return {rows, read};
}

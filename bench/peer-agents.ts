import {join} from 'node:path';
import {isInstalled} from './measure.ts';
import {Managed} from './site/managed.ts';

/** Daemons of Debian that sit on each host as reeve does. What each does is not the same; the rows say what it is. */
const peers: Array<{name: string; program: string; args(folder: string): string[]}> = [
  {
    name: 'puppet agent, without a server',
    program: '/usr/bin/puppet',
    args: folder => [
      'agent',
      '--no-daemonize',
      '--server=127.0.0.1',
      `--confdir=${join(folder, 'puppet')}`,
      `--vardir=${join(folder, 'puppet-var')}`,
      `--rundir=${join(folder, 'puppet-run')}`,
      `--logdir=${join(folder, 'puppet-log')}`,
    ],
  },
  {
    name: 'node exporter, never asked',
    program: '/usr/bin/prometheus-node-exporter',
    args: () => ['--web.listen-address=127.0.0.1:0'],
  },
];

export type PeerAgent = {name: string /** Null: not installed. */; process: Managed | null};

/** Starts those that are installed; the caller ends them. */
export function startPeerAgents(folder: string): PeerAgent[] {
  return peers.map(({name, program, args}) => {
    if (!isInstalled(program)) return {name, process: null};
    const process = new Managed({name, argv: [program, ...args(folder)], log: join(folder, 'peers.log')});
    process.start();
    return {name, process};
  });
}

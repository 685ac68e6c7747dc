import type {Managed} from '../site/managed.ts';
import {tree} from '../site/proc.ts';
import type {Site} from '../site/site.ts';
import type {Clock} from './clock.ts';
import {between} from './random.ts';
import type {SmallDisk} from './small-disk.ts';

/** What faults are done to. Null where this machine cannot do it. */
export type Victims = {
  /** How long the run is: short ones have no time for what takes minutes. */
  seconds: number;
  site: Site;
  clock: Clock | null;
  disks: {[place in 'controller' | 'agent' | 'link']: SmallDisk} | null;
};

export type Fault = {
  name: string;
  /** One fault at a time is at one place. */
  place: string;
  /** How long it lasts, milliseconds. */
  lasts: [least: number, most: number];
  /** How often it is chosen beside the others. */
  weight: number;
  begin(random: () => number): Promise<void> | void;
  heal(): Promise<void> | void;
};

const dayS = 24 * 60 * 60;

/** Every fault that this machine can do, and the names of those that it cannot, with the reason. */
export function faultsOn({site, clock, disks, seconds}: Victims): {faults: Fault[]; leftOut: string[]} {
  const killed = (part: Managed): Fault => ({
    name: `kill -9 of the ${part.name}`,
    place: part.name,
    lasts: [0, 3000],
    weight: 3,
    begin: () => part.end('SIGKILL'),
    heal: () => part.start(),
  });
  const network = (
    mode: 'cut' | 'stalled' | 'slow',
    name: string,
    lasts: Fault['lasts'] = [100, 6000],
    weight = 2,
  ): Fault => ({
    name,
    place: 'network',
    lasts,
    weight,
    begin: () => site.network.set(mode),
    heal: () => site.network.set('open'),
  });
  const full = (place: string, disk: SmallDisk): Fault => ({
    name: `disk full below the ${place}`,
    place: `disk of ${place}`,
    lasts: [500, 5000],
    weight: 2,
    begin: () => disk.fill(),
    heal: () => disk.free(),
  });
  const faults: Fault[] = [
    ...site.parts.map(killed),
    {
      name: 'kill -9 of a checker',
      place: 'checker',
      lasts: [0, 0],
      weight: 2,
      begin: () => {
        const {pid} = site.agent;
        if (pid !== null) for (const child of tree(pid).slice(1)) kill(child);
      },
      heal: () => {},
    },
    network('cut', 'network cut'),
    network('stalled', 'network stalled'),
    network('slow', 'network slow'),
    ...(seconds < 5 * 60 ? [] : [network('stalled', 'network stalled until both sides give up', [95_000, 110_000], 1)]),
    ...(disks === null ? [] : Object.entries(disks).map(([place, disk]) => full(place, disk))),
  ];
  if (clock !== null)
    faults.push({
      name: 'clock of the host jumps',
      place: 'clock',
      lasts: [500, 8000],
      weight: 2,
      begin: random => clock.jump(between(random, -2 * dayS, 2 * dayS)),
      heal: () => clock.jump(0),
    });
  return {
    faults,
    leftOut: [
      ...(disks === null ? ['disk full: needs root and a mount namespace of its own'] : []),
      ...(clock === null ? ['clock jumps: the Debian package libfaketime is not installed'] : []),
    ],
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

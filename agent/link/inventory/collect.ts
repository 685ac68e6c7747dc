import {networkInterfaces} from 'node:os';
import {cpu, fsSize, mem, osInfo, system} from 'systeminformation';
import type {InventoryDocument} from '../../../controller/protocol/documents.ts';

/** What the link adds: it knows these better. */
export type Collected = Omit<InventoryDocument, 'v' | 'reeve' | 'hostname'>;

const maxEntries = 256;
const maxAddresses = 64;

/** File systems that come and go with containers and packages, and say nothing of the machine. */
const fleeting = new Set(['overlay', 'squashfs', 'tmpfs', 'devtmpfs', 'efivarfs', 'fuse.portal']);
/** Network interfaces that do. */
const fleetingInterface = /^(lo$|veth|cali|tap|tun\d|docker\d|br-|virbr|cni|flannel|vnet)/;

/** Lists are sorted and nothing volatile is taken, so that the digest changes only when the machine does. */
export async function collect(): Promise<Collected> {
  const [os, machine, processor, memory, fileSystems] = await Promise.all([osInfo(), system(), cpu(), mem(), fsSize()]);
  return {
    os: {
      id: cut(os.logofile, 100),
      name: cut(os.distro, 200),
      version: cut(os.release, 100),
      kernel: cut(os.kernel, 200),
      arch: cut(os.arch, 40),
    },
    machine: {
      maker: cut(machine.manufacturer, 200),
      model: cut(machine.model, 200),
      virtual: machine.virtual ? cut(machine.virtualHost ?? '', 100) : '',
    },
    cpu: {model: cut(`${processor.manufacturer} ${processor.brand}`.trim(), 200), cores: whole(processor.cores)},
    memoryBytes: whole(memory.total),
    disks: fileSystems
      .filter(({type}) => !fleeting.has(type))
      .map(({mount, type, size}) => ({mount: cut(mount, 4096), type: cut(type, 60), bytes: whole(size)}))
      .sort((a, b) => compare(a.mount, b.mount))
      .slice(0, maxEntries),
    networks: Object.entries(networkInterfaces())
      .filter(([name]) => !fleetingInterface.test(name))
      .map(([name, addresses = []]) => ({
        name: cut(name, 60),
        addresses: addresses
          .map(({address}) => cut(address, 60))
          .sort(compare)
          .slice(0, maxAddresses),
        mac: addresses[0]?.mac ?? '',
      }))
      .sort((a, b) => compare(a.name, b.name))
      .slice(0, maxEntries),
  };
}

const cut = (value: unknown, max: number): string => (typeof value === 'string' ? value.slice(0, max) : '');
const whole = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);

import test from 'ava';
import {MountTable} from '../../../../agent/host/local/mounts.ts';
import {parseMountinfo, servedBy} from '../../../../agent/host/mountinfo.ts';

const parse = (text: string) => parseMountinfo(Buffer.from(text, 'latin1'));
const table = (text: string) => new MountTable(parse(text));

const machine = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
22 27 0:21 / /proc rw - proc proc rw
24 27 0:6 / /dev rw - devtmpfs devtmpfs rw
25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw
40 27 254:16 / /home rw - xfs /dev/vdb rw
41 40 0:50 / /home/ann/remote rw - fuse.sshfs ann@server: rw
42 27 254:16 /ann /srv/ann rw - xfs /dev/vdb rw
43 27 254:0 /opt/tool /mnt/tool rw - ext4 /dev/vda rw
44 27 0:60 / /mnt/nfs rw - nfs4 server:/ rw
45 44 254:32 / /mnt/nfs/disk rw - ext4 /dev/vdc rw
`;

test('parseMountinfo() reads optional fields, escapes and bytes, and leaves out what is damaged', t => {
  const mounts = parse(
    '36 35 98:0 /mnt1 /mnt\\0402\\134x rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n' +
      '37 35 98:0 / /\xff rw - tmpfs none rw\n38 35 98:0 / /x rw\nx 35 98:0 / /x rw - a b c\n\n',
  );
  t.deepEqual(mounts, [
    {
      id: 36,
      parent: 35,
      device: '98:0',
      root: '/mnt1',
      point: '/mnt 2\\x',
      options: ['rw', 'noatime'],
      fstype: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    },
    {...(mounts[1] as object), point: '/\udcff', fstype: 'tmpfs'} as never,
  ]);
});

for (const [fstype, by] of [
  ['ext4', 'local'],
  ['overlay', 'local'],
  ['sysfs', 'kernel'],
  ['cgroup2', 'kernel'],
  ['nfs4', 'elsewhere'],
  ['fuse', 'elsewhere'],
  ['fuse.sshfs', 'elsewhere'],
  ['fuseblk', 'elsewhere'],
  ['cifs', 'elsewhere'],
  ['9p', 'elsewhere'],
  ['autofs', 'elsewhere'],
  ['virtiofs', 'elsewhere'],
  ['something new', 'elsewhere'],
] as const) {
  test(`${fstype} is served by ${by}`, t => t.is(servedBy(fstype), by));
}

for (const [path, id] of [
  ['/', 27],
  ['/etc/passwd', 27],
  ['/procs', 27],
  ['/dev/shm/x', 25],
  ['/home/ann/x', 40],
  ['/home/ann/remote', 41],
  ['/home/ann/remote/x', 41],
  ['/mnt/nfs/disk/x', 45],
] as const) {
  test(`serving() finds mount ${id} behind ${path}`, t => t.is(table(machine).serving(path)?.id, id));
}

test('serving() takes the last of several mounts at one place, and none that another covers', t => {
  const stacked = table(`${machine}50 40 0:70 / /home rw - tmpfs none rw\n51 27 0:71 / /mnt rw - tmpfs none rw\n`);
  t.is(stacked.serving('/home/ann/remote/x')?.id, 50);
  t.is(stacked.serving('/mnt/nfs')?.id, 51);
});

test('elsewhereAt() and pointsIn() know the mount points', t => {
  const {elsewhereAt, pointsIn} = {
    elsewhereAt: (path: string) => table(machine).elsewhereAt(path)?.id,
    pointsIn: (path: string) => [...(table(machine).pointsIn(path) ?? [])],
  };
  t.is(elsewhereAt('/home/ann/remote'), 41);
  t.is(elsewhereAt('/home'), undefined);
  t.deepEqual(pointsIn('/'), ['proc', 'dev', 'home']);
  t.deepEqual(pointsIn('/mnt'), ['tool', 'nfs']);
  t.deepEqual(pointsIn('/etc'), []);
});

test('alsoAt() names where a bind mount’s tree is seen too', t => {
  const mounts = parse(machine);
  const alsoAt = (id: number, more = '') => {
    const all = parse(machine + more);
    return new MountTable(all).alsoAt(all.find(mount => mount.id === id) as (typeof mounts)[number]);
  };
  t.deepEqual(alsoAt(43), ['/opt/tool']);
  t.deepEqual(alsoAt(27), []);
  // Something else is mounted in that tree, so the two show different things.
  t.deepEqual(alsoAt(42), []);
  t.deepEqual(alsoAt(43, '60 27 0:80 / /opt rw - tmpfs none rw\n'), []);
  // Of two equal mounts the first counts.
  const twice = '61 27 254:48 / /a rw - ext4 /dev/vdd rw\n62 27 254:48 / /b rw - ext4 /dev/vdd rw\n';
  t.deepEqual(alsoAt(62, twice), ['/a']);
  t.deepEqual(alsoAt(61, twice), []);
  // The other place is never walked.
  t.deepEqual(alsoAt(63, '63 27 254:32 / /c rw - ext4 /dev/vdc rw\n'), []);
});

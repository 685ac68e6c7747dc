import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import {parseFstab} from '../../../../agent/host/facts/fstab/parse.ts';
import {mountUnitName} from '../../../../agent/host/facts/fstab/units.ts';
import type {Host} from '../../../../agent/host/host.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import {runningOptions} from '../../../../policies/kinds/mount/options.ts';
import {visibleMounts} from '../../../../policies/kinds/mount/visible.ts';

const mountsOf = async (host: Host) => (await collectFacts(host, [{fact: 'mounts'}])).facts.get({fact: 'mounts'});
const fstabOf = async (host: Host) => (await collectFacts(host, [{fact: 'fstab'}])).facts.get({fact: 'fstab'});
const mountsAt = (content: string) => mountsOf(memoryHost({files: {'/proc/self/mountinfo': content}}));

test('collectMounts() reads the fields of mountinfo, escapes and optional fields included', async t => {
  const answer = await mountsAt(
    '36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 shared:2 - ext3 /dev/ro\\011ot rw,errors=continue\n',
  );
  t.deepEqual(answer.state === 'seen' && answer.value, [
    {
      id: 36,
      parent: 35,
      device: '98:0',
      root: '/mnt1',
      point: '/mnt/a b\\c',
      options: ['rw', 'noatime'],
      fstype: 'ext3',
      source: '/dev/ro\tot',
      superOptions: ['rw', 'errors=continue'],
    },
  ]);
});

for (const [what, content] of [
  ['a damaged line', '36 35 98:0 / / rw - ext3 /dev/root rw\nnonsense\n'],
  ['a line that ends early', '36 35 98:0 / / rw - ext3\n'],
] as const) {
  test(`collectMounts() is unseen with ${what}`, async t => {
    const answer = await mountsAt(content);
    t.regex(answer.state === 'unseen' ? answer.reason : '', /1 of \d lines? (?:is|are) damaged/);
  });
}

test('collectMounts() is unseen when mountinfo cannot be read, and live-only in an image', async t => {
  t.is((await mountsOf(memoryHost({files: {'/proc/self/mountinfo': {read_error: 'EACCES'}}}))).state, 'unseen');
  t.is((await mountsOf(memoryHost({as: 'image', files: {'/proc/self/mountinfo': ''}}))).state, 'live-only');
});

type FindmntRow = {target: string; source: string; fstype: string; options: string; children?: FindmntRow[]};
const flat = (rows: FindmntRow[]): FindmntRow[] => rows.flatMap(row => [row, ...flat(row.children ?? [])]);
const findmnt = (...args: string[]): FindmntRow[] => {
  const {stdout} = spawnSync('findmnt', ['-J', ...args], {encoding: 'utf8'});
  return stdout === '' ? [] : flat(JSON.parse(stdout).filesystems);
};

test('collectMounts() sees the same mounts as findmnt on this machine', async t => {
  const answer = await mountsOf(localHost('/'));
  if (answer.state !== 'seen') return t.fail(answer.reason);
  const ours = answer.value.map(({point, fstype}) => `${point} ${fstype}`).sort();
  t.deepEqual(
    ours,
    findmnt('-l')
      .map(({target, fstype}) => `${target} ${fstype}`)
      .sort(),
  );
});

test('visibleMounts() and runningOptions() say of each mount point what findmnt says', async t => {
  const answer = await mountsOf(localHost('/'));
  if (answer.state !== 'seen') return t.fail(answer.reason);
  for (const [point, mount] of visibleMounts(answer.value)) {
    const device = spawnSync('stat', ['--format=%Hd:%Ld', point], {encoding: 'utf8'}).stdout.trim();
    if (device !== '' && mount.fstype !== 'btrfs') t.is(mount.device, device, point);
    const row = findmnt('--list').findLast(({target, fstype}) => target === point && fstype === mount.fstype);
    const options = runningOptions(mount);
    for (const option of row?.options.split(',') ?? [])
      t.true(options.has(option), `${point}: ${option} of ${row?.options}, ours ${[...options]}`);
  }
});

const fstab = `# comment
UUID=abc\t/ ext4 errors=remount-ro 0 1
   tmpfs  /tmp/ tmpfs nosuid,nodev,size=1G
/dev/sdb1 /mnt/my\\040disk\\134x vfat user,noauto 0 0
server:/export /srv nfs4
none none swap sw 0 0
/src /dst none bind,ro 0 0

short
`;

test('parseFstab() reads fields, escapes and defaults, and leaves swap and damaged lines out', t => {
  t.deepEqual(
    parseFstab(Buffer.from(fstab), '/etc/fstab').map(({point, source, options, where}) => [
      point,
      source,
      options.join(),
      where,
    ]),
    [
      ['/', 'UUID=abc', 'errors=remount-ro', '/etc/fstab:2'],
      ['/tmp', 'tmpfs', 'nosuid,nodev,size=1G', '/etc/fstab:3'],
      ['/mnt/my disk\\x', '/dev/sdb1', 'user,noauto', '/etc/fstab:4'],
      ['/srv', 'server:/export', 'defaults', '/etc/fstab:5'],
      ['/dst', '/src', 'bind,ro', '/etc/fstab:7'],
    ],
  );
});

test('parseFstab() agrees with findmnt', t => {
  const directory = mkdtempSync(join(tmpdir(), 'reeve-fstab-'));
  t.teardown(() => rmSync(directory, {recursive: true}));
  const path = join(directory, 'fstab');
  const text = `${fstab.replace('short\n', '').replace('/tmp/', '/tmp')}/dev/x /a\\011b ext4 defaults,context="a,b" 0 0\n#/dev/y /c ext4 defaults\n`;
  writeFileSync(path, text);
  const rows = findmnt('--list', '--tab-file', path).filter(({fstype}) => fstype !== 'swap');
  t.deepEqual(
    parseFstab(Buffer.from(text), path).map(({point, source, fstype}) => [point, source, fstype]),
    rows.map(({target, source, fstype}) => [target, source, fstype]),
  );
});

test('parseFstab() reads this machine’s fstab as findmnt does', async t => {
  const answer = await fstabOf(localHost('/'));
  const ours =
    answer.state === 'seen'
      ? answer.value.filter(({where}) => where.startsWith('/etc/fstab')).map(({point}) => point)
      : [];
  t.deepEqual(
    ours,
    findmnt('--fstab', '--list')
      .filter(({fstype}) => fstype !== 'swap')
      .map(({target}) => target),
  );
});

for (const point of ['/', '/tmp', '/var/lib/x', '/mnt/my disk', '/a-b/c', '/.hidden', '/a.b:c_d', '/ü', '/a\\b']) {
  test(`mountUnitName() escapes ${point} as systemd-escape does`, t => {
    t.is(
      mountUnitName(point),
      execFileSync('systemd-escape', ['-p', '--suffix=mount', point], {encoding: 'utf8'}).trim(),
    );
  });
}

const lib = '/usr/lib/systemd/system';
const tmpMount = '[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\nOptions=mode=1777,nosuid,nodev\n';
const line = 'tmpfs /tmp tmpfs noexec 0 0\n';
for (const [what, files, wanted] of [
  ['a unit that nothing wants', {[`${lib}/tmp.mount`]: tmpMount}, []],
  [
    'a unit that the vendor starts',
    {[`${lib}/tmp.mount`]: tmpMount, [`${lib}/local-fs.target.wants/tmp.mount`]: {link: '../tmp.mount'}},
    [`/tmp mode=1777,nosuid,nodev ${lib}/tmp.mount:5 tmp.mount`],
  ],
  [
    'an enabled unit with a drop-in',
    {
      '/etc/systemd/system/tmp.mount': `${tmpMount}[Install]\nWantedBy=local-fs.target\n`,
      '/etc/systemd/system/local-fs.target.wants/tmp.mount': {link: '../tmp.mount'},
      '/etc/systemd/system/tmp.mount.d/o.conf': '[Mount]\nOptions=\nOptions=ro\n',
    },
    ['/tmp ro /etc/systemd/system/tmp.mount.d/o.conf:3 tmp.mount'],
  ],
  [
    'a line beside a vendor’s unit',
    {
      '/etc/fstab': line,
      [`${lib}/tmp.mount`]: tmpMount,
      [`${lib}/local-fs.target.wants/tmp.mount`]: {link: '../tmp.mount'},
    },
    ['/tmp noexec /etc/fstab:1 null'],
  ],
  [
    'a line under an administrator’s unit',
    {
      '/etc/fstab': line,
      '/etc/systemd/system/tmp.mount': tmpMount,
      '/etc/systemd/system/local-fs.target.wants/tmp.mount': {link: '../tmp.mount'},
    },
    ['/tmp mode=1777,nosuid,nodev /etc/systemd/system/tmp.mount:5 tmp.mount'],
  ],
  ['a line that a mask keeps away', {'/etc/fstab': line, '/etc/systemd/system/tmp.mount': {link: '/dev/null'}}, []],
  [
    'a line with a drop-in',
    {'/etc/fstab': line, '/etc/systemd/system/tmp.mount.d/o.conf': '[Mount]\nOptions=nosuid\n'},
    ['/tmp nosuid /etc/systemd/system/tmp.mount.d/o.conf:2 tmp.mount'],
  ],
  [
    'a line and the unit that its generator made',
    {
      '/etc/fstab': line,
      '/run/systemd/generator/tmp.mount': tmpMount,
      '/run/systemd/generator/local-fs.target.requires/tmp.mount': {link: '../tmp.mount'},
    },
    ['/tmp noexec /etc/fstab:1 null'],
  ],
] as const) {
  test(`collectFstab() settles ${what}`, async t => {
    const answer = await fstabOf(memoryHost({files: {'/etc/fstab': '', ...files} as Fixture['files'] & object}));
    t.deepEqual(
      answer.state === 'seen' &&
        answer.value.map(({point, options, where, unit}) => `${point} ${options.join()} ${where} ${unit}`),
      [...wanted],
    );
  });
}

for (const [what, files, state] of [
  ['there is no fstab and no unit', {}, 'absent'],
  ['fstab is unreadable', {'/etc/fstab': {read_error: 'EACCES'}}, 'unseen'],
  ['fstab is no file', {'/etc/fstab': {type: 'fifo'}}, 'unseen'],
  ['units are unreadable', {'/etc/fstab': '', '/etc/systemd/system/': {read_error: 'EIO'}}, 'unseen'],
  [
    'a mount unit is unreadable',
    {
      '/etc/fstab': '',
      '/etc/systemd/system/a.mount': {read_error: 'EIO', size: 10},
      '/etc/systemd/system/b.wants/a.mount': {link: '../a.mount'},
    },
    'unseen',
  ],
] as const) {
  test(`collectFstab() is ${state} when ${what}`, async t => {
    t.is((await fstabOf(memoryHost({files: files as Fixture['files'] & object}))).state, state);
  });
}

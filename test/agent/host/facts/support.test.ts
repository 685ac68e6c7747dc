import {readFileSync} from 'node:fs';
import test from 'ava';
import {collectSupport, parseDistroInfo} from '../../../../agent/host/facts/support.ts';
import {HostTables} from '../../../../agent/host/facts/tables.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import {supportTable, supportTableDays} from '../../../../policies/support.ts';

async function look(release: string, files: Fixture['files'] = {}, now = '2026-11-21T12:00:00Z') {
  const host = memoryHost({now, files: {...(release === '' ? {} : {'/etc/os-release': release}), ...files}});
  const [answer] = await collectSupport([{}], {host, tables: new HostTables(host)});
  return answer;
}

const bookworm = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n';
const debianCsv =
  'version,codename,series,created,release,eol,eol-lts,eol-elts\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30\n14,Forky,forky,2025-08-09\n';
const ubuntuCsv =
  'version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy\n22.04 LTS,Jammy,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-02,2032-04-21,2034-04-25\n25.10,Questing,questing,2025-04-17,2025-10-09,2026-07-09\n';

test('collectSupport() takes what os-release says before anything else', async t => {
  const answer = await look('ID=rocky\nVERSION_ID="9.7"\nPRETTY_NAME="Rocky Linux 9.7"\nSUPPORT_END="2032-05-31"\n');
  t.like(answer, {
    state: 'seen',
    value: {phases: [{kind: 'regular', ends: '2032-05-31'}], source: '/etc/os-release', asOf: null},
  });
});

test('collectSupport() tells regular, long-term and paid support of Debian apart', async t => {
  const answer = await look(bookworm, {'/usr/share/distro-info/debian.csv': debianCsv});
  t.like(answer, {
    state: 'seen',
    value: {
      release: 'Debian GNU/Linux 12 (bookworm)',
      phases: [
        {kind: 'regular', ends: '2026-07-11'},
        {kind: 'lts', ends: '2028-06-30'},
        {kind: 'paid', ends: '2033-06-30'},
      ],
      source: '/usr/share/distro-info/debian.csv',
    },
  });
});

test('parseDistroInfo() takes the end for servers where Ubuntu lists one', t => {
  t.deepEqual(parseDistroInfo(ubuntuCsv, '22.04'), [
    {kind: 'regular', ends: '2027-06-02'},
    {kind: 'paid', ends: '2032-04-21'},
    {kind: 'paid', ends: '2034-04-25'},
  ]);
  t.deepEqual(parseDistroInfo(ubuntuCsv, '25.10'), [{kind: 'regular', ends: '2026-07-09'}]);
});

test('parseDistroInfo() gives nothing for a release without dates, or that is not listed', t => {
  t.deepEqual(parseDistroInfo(debianCsv, '14'), []);
  t.deepEqual(parseDistroInfo(debianCsv, '2'), []);
  t.deepEqual(parseDistroInfo('', '12'), []);
});

test("collectSupport() falls back on reeve's table, by major version, with its date", async t => {
  t.like(await look('ID="rhel"\nVERSION_ID="9.4"\nPRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"\n'), {
    state: 'seen',
    value: {
      phases: [
        {kind: 'regular', ends: '2032-05-31'},
        {kind: 'paid', ends: '2035-05-31'},
      ],
      source: "reeve's own table",
      asOf: supportTable.asOf,
    },
  });
  t.like(await look(bookworm), {state: 'seen', value: {source: "reeve's own table"}});
});

test('collectSupport() does not take CentOS Linux for CentOS Stream', async t => {
  t.is((await look('ID="centos"\nVERSION_ID="9"\nPRETTY_NAME="CentOS Stream 9"\n'))?.state, 'seen');
  t.is((await look('ID="centos"\nVERSION_ID="8"\nPRETTY_NAME="CentOS Linux 8"\n'))?.state, 'unseen');
});

test("collectSupport() does not believe reeve's table 400 days after its date", async t => {
  const day = (days: number) =>
    new Date(Date.parse(supportTable.asOf) + days * 86_400_000).toISOString().replace('.000', '');
  const rhel = 'ID="rhel"\nVERSION_ID="9.4"\nPRETTY_NAME="RHEL 9.4"\n';
  t.is((await look(rhel, {}, day(supportTableDays)))?.state, 'seen');
  const late = await look(rhel, {}, day(supportTableDays + 1));
  t.true(late?.state === 'unseen' && late.reason.includes('update reeve'));
});

const unknown: Array<[title: string, release: string, files: NonNullable<Fixture['files']>, reason: RegExp]> = [
  [
    'a release that nobody lists',
    'ID=exotic\nVERSION_ID=3\nPRETTY_NAME="Exotic 3"\n',
    {},
    /not known when the support of Exotic 3 ends/,
  ],
  ['a rolling release', 'ID=debian\nPRETTY_NAME="Debian GNU/Linux trixie/sid"\n', {}, /rolling/],
  [
    'a table that may not be read',
    bookworm,
    {'/usr/share/distro-info/debian.csv': {read_error: 'EIO'}},
    /input\/output error/,
  ],
  ['a table without end', bookworm, {'/usr/share/distro-info/debian.csv': 'x'.repeat(300_000)}, /too large/],
];
for (const [title, release, files, reason] of unknown) {
  test(`collectSupport() is unseen for ${title}`, async t => {
    const answer = await look(release, files);
    t.true(answer?.state === 'unseen' && reason.test(answer.reason), JSON.stringify(answer));
  });
}

test('collectSupport() is absent without os-release', async t => {
  t.is((await look(''))?.state, 'absent');
});

test("reeve's table agrees with this machine's distro-info-data", t => {
  for (const id of ['debian', 'ubuntu']) {
    const path = `/usr/share/distro-info/${id}.csv`;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      t.log(`skipped: ${path} is not installed`);
      t.pass();
      return;
    }
    for (const {version, phases} of supportTable.entries.filter(entry => entry.id === id)) {
      const listed = parseDistroInfo(text, version).map(({kind, ends}) => `${kind} ${ends}`);
      for (const {kind, ends} of phases)
        t.true(
          listed.includes(`${kind} ${ends}`),
          `${id} ${version}: ${kind} ${ends} is not among ${listed.join(', ')}`,
        );
    }
  }
});

test("reeve's table holds dates, and each release once", t => {
  const keys = supportTable.entries.map(({id, version}) => `${id} ${version}`);
  t.is(new Set(keys).size, keys.length);
  for (const {phases} of supportTable.entries)
    for (const {ends} of phases) t.is(new Date(ends).toISOString().slice(0, 10), ends);
});

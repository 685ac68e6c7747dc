import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collectRpmPackageFiles} from '../../../../../agent/host/facts/rpm/index.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {lacks, RpmLab} from '../../../../helpers/rpm.ts';

const tools = ['/usr/bin/rpm', '/usr/bin/rpmbuild'];
const path = '/var/lib/rpm/rpmdb.sqlite';

const install = `
mkdir -p %{buildroot}/opt/app/sub %{buildroot}/etc %{buildroot}/run
echo one > %{buildroot}/opt/app/one
echo two > %{buildroot}/opt/app/sub/two
ln -s one %{buildroot}/opt/app/link
echo conf > %{buildroot}/etc/app.conf
touch %{buildroot}/run/app.pid`;
const files = `
%dir %attr(0755,root,root) /opt/app
%dir %attr(2750,root,root) /opt/app/sub
%attr(0644,root,root) /opt/app/one
%attr(4755,app,app) /opt/app/sub/two
/opt/app/link
%config(noreplace) %attr(0640,root,root) /etc/app.conf
%ghost /run/app.pid`;

/** The tree as the package would leave it, under the owners of the fixture's passwd(5). */
function asInstalled(lab: RpmLab): NonNullable<Fixture['files']> {
  const root = lab.database('root', [lab.build({name: 'app', epoch: 1, version: '1.0', release: '1', install, files})]);
  return {
    [path]: {base64: readFileSync(join(root, path)).toString('base64')},
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\napp:x:900:901::/:/bin/false\n',
    '/etc/group': 'root:x:0:\napp:x:901:\n',
    '/opt/app/sub/': {mode: '2750'},
    '/opt/app/one': 'one\n',
    '/opt/app/sub/two': {content: 'two\n', mode: '4755', uid: 900, gid: 901},
    '/opt/app/link': {link: 'one'},
    '/etc/app.conf': {content: 'conf\n', mode: '0640'},
  };
}

test('collectRpmPackageFiles() finds nothing wrong with files that are as packaged', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const [answer, other] = await collectRpmPackageFiles(memoryHost({files: asInstalled(lab)}), ['app', 'other']);
  t.like(answer, {
    state: 'seen',
    value: {package: 'app', version: '1:1.0-1', checked: 7, changed: [], configurationChanged: [], unreadable: []},
  });
  t.is(other?.state, 'absent');
});

test('collectRpmPackageFiles() names each difference, with what the package says and what is there', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const good = asInstalled(lab);
  const cases: Array<[string, NonNullable<Fixture['files']>, object]> = [
    [
      'content',
      {'/opt/app/one': 'One\n'},
      {
        what: 'content',
        path: '/opt/app/one',
        expected: `sha256 ${'2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806'}`,
      },
    ],
    [
      'a mode that lost its set-uid bit',
      {'/opt/app/sub/two': {content: 'two\n', mode: '0755', uid: 900, gid: 901}},
      {what: 'mode', expected: '4755', actual: '0755'},
    ],
    [
      'an owner',
      {'/opt/app/sub/two': {content: 'two\n', mode: '4755', uid: 0, gid: 77}},
      {what: 'owner', expected: 'app:app', actual: 'root:77'},
    ],
    [
      'a link in the place of a file',
      {'/opt/app/one': {link: '/etc/passwd'}},
      {what: 'type', expected: 'file', actual: 'link'},
    ],
    [
      'where a link leads',
      {'/opt/app/link': {link: 'sub/two'}},
      {what: 'content', expected: 'link to one', actual: 'link to sub/two'},
    ],
  ];
  for (const [title, changes, expected] of cases) {
    const [answer] = await collectRpmPackageFiles(memoryHost({files: {...good, ...changes}}), ['app']);
    t.is(answer?.state, 'seen', title);
    if (answer?.state !== 'seen') continue;
    t.is(answer.value.changed.length, 1, title);
    t.like(answer.value.changed[0], expected, title);
  }
});

test('collectRpmPackageFiles() puts configuration that was edited or taken away apart', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const good = asInstalled(lab);
  const {'/etc/app.conf': _, ...without} = good;
  for (const tree of [{...good, '/etc/app.conf': {content: 'mine\n', mode: '0600'}}, without]) {
    const [answer] = await collectRpmPackageFiles(memoryHost({files: tree}), ['app']);
    t.like(answer, {state: 'seen', value: {changed: [], configurationChanged: ['/etc/app.conf']}});
  }
});

test('collectRpmPackageFiles() names what it may not read, and does not call it changed', async t => {
  if (lacks(t, ...tools)) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const [answer] = await collectRpmPackageFiles(memoryHost({looker: 1000, files: asInstalled(lab)}), ['app']);
  t.is(answer?.state, 'seen');
  if (answer?.state !== 'seen') return;
  t.deepEqual(answer.value.changed, []);
  t.deepEqual(answer.value.unreadable.map(entry => entry.path).sort(), ['/etc/app.conf', '/opt/app/sub/two']);
});

test('collectRpmPackageFiles() does not judge by a Berkeley database', async t => {
  const [answer] = await collectRpmPackageFiles(memoryHost({files: {'/var/lib/rpm/Packages': 'x'}}), ['app']);
  t.is(answer?.state, 'unseen');
});

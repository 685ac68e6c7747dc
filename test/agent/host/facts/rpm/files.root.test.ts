import {chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {collectRpmPackageFiles} from '../../../../../agent/host/facts/rpm/index.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {lacks, RpmLab} from '../../../../helpers/rpm.ts';

const install = `
mkdir -p %{buildroot}/opt/app/sub %{buildroot}/etc
for name in one two three four five six seven; do echo $name > %{buildroot}/opt/app/$name; done
ln -s one %{buildroot}/opt/app/link
echo conf > %{buildroot}/etc/app.conf`;
const files = `
%defattr(0644,root,root,0755)
%dir /opt/app
%dir /opt/app/sub
/opt/app/one
/opt/app/two
/opt/app/three
/opt/app/four
/opt/app/five
%verify(not md5 size mtime) /opt/app/six
%attr(4755,root,root) /opt/app/seven
/opt/app/link
%config(noreplace) /etc/app.conf`;

test('collectRpmPackageFiles() says what rpm -V says of a tree that was tampered with', async t => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: rpm installs into another root only as root');
    t.pass();
    return;
  }
  if (lacks(t, '/usr/bin/rpm', '/usr/bin/rpmbuild')) return;
  const lab = new RpmLab();
  t.teardown(() => lab.remove());
  const rpm = lab.build({name: 'app', version: '1.0', release: '1', install, files});
  const root = join(lab.folder, 'root');
  mkdirSync(root);
  const inRoot = (...args: string[]) => lab.run(['/bin/sh', '-c', 'rpm --root "$0" "$@" || true', root, ...args]);
  inRoot('-i', '--force-debian', '--nodeps', '--nosignature', rpm);
  const at = (name: string) => join(root, 'opt/app', name);
  writeFileSync(at('one'), 'changed\n');
  chmodSync(at('two'), 0o600);
  chownSync(at('three'), 12, 0);
  rmSync(at('four'));
  rmSync(at('five'));
  mkdirSync(at('five'));
  writeFileSync(at('six'), 'may change\n');
  chmodSync(at('seven'), 0o755);
  rmSync(at('link'));
  symlinkSync('two', at('link'));
  writeFileSync(join(root, 'etc/app.conf'), 'edited\n');

  const oracle = inRoot('-V', 'app')
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/));
  const [answer] = await collectRpmPackageFiles(localHost(root), ['app']);

  t.is(answer?.state, 'seen');
  if (answer?.state !== 'seen') return;
  const {changed, configurationChanged, checked} = answer.value;
  t.is(checked, 11);
  t.deepEqual(configurationChanged, ['/etc/app.conf']);
  t.deepEqual(changed.map(({path, what}) => `${path} ${what}`).sort(), [
    '/opt/app/five type',
    '/opt/app/four missing',
    '/opt/app/link content',
    '/opt/app/one content',
    '/opt/app/seven mode',
    '/opt/app/three owner',
    '/opt/app/two mode',
  ]);
  const wrong = oracle.map(words => words.at(-1) as string).sort();
  t.deepEqual([...new Set([...changed.map(({path}) => path), ...configurationChanged])].sort(), wrong);
});

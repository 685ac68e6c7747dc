import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import test from 'ava';
import {collectDpkgPackageFiles} from '../../../../../agent/host/facts/dpkg/files.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {PackageFilesFact} from '../../../../../policies/facts/packages.ts';
import {installed} from '../../../../helpers/apt.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const sums = (files: {[path: string]: string}) =>
  Object.entries(files)
    .map(([path, text]) => `${md5(text)}  ${path}\n`)
    .join('');
const conffiles = `\n /etc/tool.conf ${md5('shipped\n')}\n /etc/old.conf ${md5('old\n')} obsolete`;
const base: NonNullable<Fixture['files']> = {
  '/var/lib/dpkg/status': installed('tool', '1.0', {Conffiles: conffiles}),
  '/var/lib/dpkg/info/tool.md5sums': sums({'usr/bin/tool': 'program\n', 'usr/share/doc/tool/copyright': 'text\n'}),
  '/usr/bin/tool': 'program\n',
  '/usr/share/doc/tool/copyright': 'text\n',
  '/etc/tool.conf': 'shipped\n',
};

async function lookAt(files: Fixture['files'], name = 'tool', over: Fixture = {}) {
  const merged = Object.fromEntries(Object.entries({...base, ...files}).filter(([, value]) => value !== null));
  const [answer] = await collectDpkgPackageFiles(memoryHost({...over, files: merged}), [name]);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function verified(files: Fixture['files'], over: Fixture = {}): Promise<PackageFilesFact> {
  const answer = await lookAt(files, 'tool', over);
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}

test('collectDpkgPackageFiles() finds all as shipped, and says what dpkg cannot tell', async t => {
  const fact = await verified({});
  t.like(fact, {checked: 2, changed: [], configurationChanged: [], unreadable: []});
  t.regex(fact.notes.join(), /modes, owners, links and directories were not compared/);
});

test('collectDpkgPackageFiles() finds changed, missing and replaced files', async t => {
  const {changed} = await verified({'/usr/bin/tool': 'other\n', '/usr/share/doc/tool/copyright': null});
  t.deepEqual(changed, [
    {path: '/usr/bin/tool', what: 'content', expected: `MD5 ${md5('program\n')}`, actual: `MD5 ${md5('other\n')}`},
    {path: '/usr/share/doc/tool/copyright', what: 'missing', expected: 'there', actual: 'missing'},
  ]);
  const linked = await verified({'/usr/bin/tool': {link: '/usr/bin/other'}, '/usr/bin/other': 'program\n'});
  t.deepEqual(linked.changed, [{path: '/usr/bin/tool', what: 'type', expected: 'file', actual: 'link'}]);
});

test('collectDpkgPackageFiles() keeps configuration apart, and forgets what the package gave up', async t => {
  t.like(await verified({'/etc/tool.conf': 'mine\n', '/etc/old.conf': 'mine\n'}), {
    changed: [],
    configurationChanged: ['/etc/tool.conf'],
  });
  t.like(await verified({'/etc/tool.conf': null}), {changed: [], configurationChanged: ['/etc/tool.conf']});
});

test('collectDpkgPackageFiles() looks where a file was diverted to, but not for who diverted it', async t => {
  const diversion = (by: string) => ({'/var/lib/dpkg/diversions': `/usr/bin/tool\n/usr/bin/tool.distrib\n${by}\n`});
  t.deepEqual(
    (await verified({...diversion('other'), '/usr/bin/tool': 'wrapper\n', '/usr/bin/tool.distrib': 'program\n'}))
      .changed,
    [],
  );
  t.is((await verified({...diversion('tool'), '/usr/bin/tool': 'wrapper\n'})).changed.length, 1);
  t.is(
    (await verified({...diversion(':'), '/usr/bin/tool.distrib': 'changed\n'})).changed[0]?.path,
    '/usr/bin/tool.distrib',
  );
});

test('collectDpkgPackageFiles() knows a file by both its names where /usr is merged', async t => {
  const files = {
    '/bin': {link: 'usr/bin'},
    '/var/lib/dpkg/info/tool.md5sums': sums({'bin/tool': 'program\n'}),
    '/var/lib/dpkg/diversions': '/usr/bin/tool\n/usr/bin/tool.distrib\nother\n',
    '/usr/bin/tool': 'wrapper\n',
    '/usr/bin/tool.distrib': 'program\n',
  };
  t.deepEqual((await verified(files)).changed, []);
});

test('collectDpkgPackageFiles() does not miss what dpkg was told to leave out', async t => {
  const files = {
    '/etc/dpkg/dpkg.cfg.d/docker': 'path-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n',
    '/var/lib/dpkg/info/tool.md5sums': sums({
      'usr/share/doc/tool/README': 'a',
      'usr/share/doc/tool/copyright': 'text\n',
    }),
    '/usr/share/doc/tool/copyright': null,
  };
  const fact = await verified(files);
  t.deepEqual(
    fact.changed.map(({path, what}) => `${path} ${what}`),
    ['/usr/share/doc/tool/copyright missing'],
  );
  t.regex(fact.notes.join(), /1 files were left out/);
});

test('collectDpkgPackageFiles() judges all architectures of a package', async t => {
  const files = {
    '/var/lib/dpkg/status':
      installed('tool', '1.0', {'Multi-Arch': 'same'}) +
      installed('tool', '1.0', {'Multi-Arch': 'same', Architecture: 'i386'}),
    '/var/lib/dpkg/info/tool.md5sums': null,
    '/var/lib/dpkg/info/tool:amd64.md5sums': sums({'usr/bin/tool': 'program\n'}),
    '/var/lib/dpkg/info/tool:i386.md5sums': sums({'usr/lib/i386/tool': 'old\n'}),
  };
  t.like(await verified(files), {
    checked: 2,
    changed: [{path: '/usr/lib/i386/tool', what: 'missing', expected: 'there', actual: 'missing'}],
  });
});

test('collectDpkgPackageFiles() reads names that are not UTF-8', async t => {
  const line = Buffer.concat([Buffer.from(`${md5('x')}  usr/share/caf`), Buffer.from([0xe9, 10])]);
  const fact = await verified({'/var/lib/dpkg/info/tool.md5sums': {base64: line.toString('base64')}});
  t.is(fact.changed[0]?.path, '/usr/share/caf\udce9');
});

test('collectDpkgPackageFiles() names what it could not read', async t => {
  const fact = await verified({'/usr/bin/tool': {content: 'program\n', mode: '0700'}}, {looker: 1000});
  t.regex(fact.unreadable.map(({reason}) => reason).join(), /cannot read \/usr\/bin\/tool: permission denied/);
  t.deepEqual(fact.changed, []);
});

test('collectDpkgPackageFiles() takes a package of directories alone for verified', async t => {
  const files = {
    '/var/lib/dpkg/info/tool.md5sums': null,
    '/var/lib/dpkg/info/tool.list': '/.\n/usr\n/usr/share\n/etc/tool.conf\n',
    '/usr/share/': {mode: '0755'},
  };
  t.like(await verified(files), {checked: 0, changed: []});
});

for (const [what, files, state, reason] of [
  ['is not installed', {'/var/lib/dpkg/status': installed('other', '1')}, 'absent', /tool is not installed/],
  [
    'came without digests',
    {'/var/lib/dpkg/info/tool.md5sums': null, '/var/lib/dpkg/info/tool.list': '/usr/bin/tool\n'},
    'unseen',
    /came without digests of its files, such as \/usr\/bin\/tool/,
  ],
  ['has no list of files', {'/var/lib/dpkg/info/tool.md5sums': null}, 'unseen', /has no list of its files/],
  [
    'has a damaged list',
    {'/var/lib/dpkg/info/tool.md5sums': `${md5('a')}  usr/bin/tool\nnonsense\n`},
    'unseen',
    /damaged at line 2/,
  ],
  ['has a cut list', {'/var/lib/dpkg/info/tool.md5sums': `${md5('a')}  usr/bi`}, 'unseen', /damaged at line 1/],
  [
    'may be diverted by a damaged file',
    {'/var/lib/dpkg/diversions': '/usr/bin/tool\n'},
    'unseen',
    /diversions: it is damaged/,
  ],
  ['stands in a damaged database', {'/var/lib/dpkg/status': 'Package: tool\n'}, 'unseen', /has no status/],
] as const) {
  test(`collectDpkgPackageFiles() cannot verify a package that ${what}`, async t => {
    const answer = await lookAt(files as Fixture['files']);
    t.is(answer.state, state);
    t.regex(answer.state === 'seen' ? '' : (answer as {reason: string}).reason, reason);
  });
}

test('collectDpkgPackageFiles() finds what dpkg --verify finds on this machine', async t => {
  if (!existsSync('/usr/bin/dpkg')) {
    t.log('skipped: dpkg is not installed');
    return t.pass();
  }
  const names = ['dpkg', 'base-files', 'coreutils', 'bash', 'apt', 'debianutils', 'login', 'tar'];
  const answers = await collectDpkgPackageFiles(localHost('/'), names);
  let compared = 0;
  for (const [index, name] of names.entries()) {
    const answer = answers[index];
    if (answer?.state === 'absent') continue;
    if (answer?.state !== 'seen') return t.fail(answer?.reason);
    let report = '';
    try {
      report = execFileSync('/usr/bin/dpkg', ['--verify', name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch (error) {
      report = String((error as {stdout: string}).stdout);
    }
    const lines = report.split('\n').filter(line => line !== '' && !/^(?:\S+|missing) +c /.test(line));
    const wanted = lines
      .map(line => line.slice(line.indexOf('/')).replace(/ \(.*\)$/, ''))
      .filter(path => !answer.value.unreadable.some(file => file.path === path));
    t.deepEqual(answer.value.changed.map(({path}) => path).toSorted(), wanted.toSorted(), name);
    t.true(answer.value.checked > 5, name);
    compared++;
  }
  t.true(compared >= 5);
});

import test from 'ava';
import {readAptConfig} from '../../../../../agent/host/facts/apt/config.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {installed} from '../../../../helpers/apt.ts';
import {makeAptRoot} from '../../../../helpers/apt-root.ts';

async function valuesOf(text: string, names: string[]): Promise<Array<string | null>> {
  const config = await readAptConfig(memoryHost({files: {'/etc/apt/apt.conf': text}}));
  if (!config.ok) throw new Error(config.reason);
  return names.map(name => config.value.find(name)?.value ?? null);
}

test('readAptConfig() reads scopes, quotes, comments and names in any case', async t => {
  const text = `// line
# another
A::B "1"; /* c
d */ C { D "two words"; E { F "3"; }; };
g::"quoted name" x; H "a//b#c";`;
  t.deepEqual(await valuesOf(text, ['a::b', 'C::D', 'c::e::f', 'G::quoted name', 'H']), [
    '1',
    'two words',
    '3',
    'x',
    'a//b#c',
  ]);
});

test('readAptConfig() lets a later file win, drop-ins first, and clears', async t => {
  const files = {
    '/etc/apt/apt.conf.d/10a': 'X "1"; Y { "a"; "b"; }; Z::A "1"; Z::B "2";',
    '/etc/apt/apt.conf.d/20b.conf': 'X "2";\n#clear Z;\nY { "c"; };',
    '/etc/apt/apt.conf.d/30c.dpkg-old': 'X "ignored";',
    '/etc/apt/apt.conf.d/40d~': 'X "ignored";',
    '/etc/apt/apt.conf': 'X "3";\n',
  };
  const config = await readAptConfig(memoryHost({files}));
  if (!config.ok) return t.fail(config.reason);
  t.deepEqual(config.value.find('x'), {value: '3', where: '/etc/apt/apt.conf:1'});
  t.deepEqual(
    config.value.list('Y').map(({value, where}) => [value, where]),
    [
      ['a', '/etc/apt/apt.conf.d/10a:1'],
      ['b', '/etc/apt/apt.conf.d/10a:1'],
      ['c', '/etc/apt/apt.conf.d/20b.conf:3'],
    ],
  );
  t.is(config.value.find('Z::A'), null);
});

for (const [what, text] of [
  ['an open quote', 'A "b;\n'],
  ['an open comment', 'A "b"; /* c'],
  ['no semicolon at the end', 'A "b"'],
  ['a block without a name', '{ A "b"; };'],
  ['three words', 'A b c;'],
] as const) {
  test(`readAptConfig() refuses ${what}`, async t => {
    const config = await readAptConfig(memoryHost({files: {'/etc/apt/apt.conf.d/10x': text}}));
    t.regex(config.ok ? '' : config.reason, /^cannot read \/etc\/apt\/apt\.conf\.d\/10x: line \d+: /);
  });
}

test('readAptConfig() includes files, but not for ever', async t => {
  const files = {
    '/etc/apt/apt.conf': '#include "/etc/apt/more/";\n',
    '/etc/apt/more/a': 'A "1";',
    '/etc/apt/more/b': '#include "/etc/apt/more/b";',
  };
  const config = await readAptConfig(memoryHost({files}));
  t.regex(config.ok ? '' : config.reason, /too many nested includes/);
});

const tricky = `
APT::Periodic { Update-Package-Lists "1"; Unattended-Upgrade "0"; };
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=\${distro_codename},label=Debian-Security";
  // "origin=Other";
  "site=example.org"; };
Acquire::Tricky::Proxy "http://user@host:80/#x"; # comment
Acquire::Tricky::Other http:;
APT::Get
{
  AllowUnauthenticated
    "true"
  ;
  Assume "a" ; };
Foo::Bar:: "x"; Foo::Bar:: "y";
#clear Foo::Gone;
`;

test('readAptConfig() reads what apt-config dumps', async t => {
  const root = makeAptRoot(installed('dpkg', '1.21'), []);
  try {
    root.write('/etc/apt/apt.conf.d/50x', tricky);
    const dump = root.apt('/usr/bin/apt-config', 'dump');
    const config = await readAptConfig(localHost(root.path));
    if (!config.ok) return t.fail(config.reason);
    const wanted = [...dump.matchAll(/^(\S+?)(::)? "(.*)";$/gm)].filter(([, name]) =>
      /^(?:APT::(?:Periodic|Get)|Unattended-Upgrade|Acquire::Tricky|Foo)/.test(name as string),
    );
    t.true(wanted.length >= 10);
    for (const [, name = '', isList, value = ''] of wanted) {
      const found =
        isList === undefined ? [config.value.find(name)?.value ?? ''] : config.value.list(name).map(item => item.value);
      t.true(found.includes(value), `${name} "${value}"`);
    }
  } finally {
    root.remove();
  }
});

import test from 'ava';
import {findRepositories, siteOf} from '../../../../../agent/host/facts/apt/lists.ts';
import {readSources} from '../../../../../agent/host/facts/apt/sources.ts';
import {packedEndings} from '../../../../../agent/host/facts/apt/unpack.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import {installed} from '../../../../helpers/apt.ts';
import {makeAptRoot} from '../../../../helpers/apt-root.ts';

const oneLine = `# comment
deb http://deb.debian.org/debian bookworm main contrib # tail
deb-src http://deb.debian.org/debian bookworm main
deb [ arch=amd64,i386 signed-by=/usr/share/keyrings/x.gpg ] https://user:secret@example.org:8443/a%20b/~x bookworm-updates main
deb [arch-=i386] mirror+file:/etc/apt/mirrors/debian.list bookworm-backports main
deb http://example.net/flat ./
deb http://example.net/flat2 /
deb http://example.net/flat3 sub/dir/
deb cdrom:[Debian GNU/Linux 12 _Bookworm_ #1]/ bookworm main
deb [arch=all] http://example.net/only-all stable main
deb http://[::1]:8080/v6 stable main/sub
`;
const deb822 = `# comment
Types: deb deb-src
URIs: http://security.debian.org/debian-security http://mirror.example/debian-security/
Suites: bookworm-security
Components: main non-free-firmware
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://disabled.example
Suites: x
Components: y

Types: deb
URIs: http://example.com/$(ARCH) http://example.com/a%20b
Suites: $(ARCH)/
Architectures-Add: i386
`;

test('findRepositories() looks where apt keeps what it fetches', async t => {
  const root = makeAptRoot(installed('dpkg', '1.21'), []);
  try {
    root.write('/etc/apt/apt.conf.d/10arch', 'APT::Architectures { "amd64"; "i386"; };');
    root.write('/etc/apt/sources.list', oneLine);
    root.write('/etc/apt/sources.list.d/a.sources', deb822);
    const wanted = root
      .apt('/usr/bin/apt-get', 'indextargets', '--no-release-info', '--format', '$(CREATED_BY) $(FILENAME)')
      .split('\n')
      .filter(line => line.startsWith('Packages '))
      .map(line => line.slice(`Packages ${root.path}/var/lib/apt/lists/`.length));
    const sources = await readSources(localHost(root.path), 'amd64');
    if (!sources.ok) return t.fail(sources.reason);
    const enabled = sources.value.filter(source => source.enabled);
    const repositories = await findRepositories(localHost(root.path), enabled, ['amd64', 'i386'], new Set(wanted));
    const found = repositories.flatMap(({indexes}) =>
      indexes.map(({path}) => path.slice('/var/lib/apt/lists/'.length)),
    );
    t.true(wanted.length > 15);
    t.deepEqual(found.toSorted(), wanted.toSorted());
  } finally {
    root.remove();
  }
});

test('findRepositories() finds packed indexes too', async t => {
  for (const ending of packedEndings) {
    const host = memoryHost({files: {'/etc/apt/sources.list': 'deb http://a/b c d\n'}});
    const sources = await readSources(host, 'amd64');
    if (!sources.ok) return t.fail(sources.reason);
    const [repository] = await findRepositories(
      host,
      sources.value,
      ['amd64'],
      new Set([`a_b_dists_c_d_binary-amd64_Packages${ending}`]),
    );
    t.deepEqual(
      repository?.indexes.map(({path}) => path),
      [`/var/lib/apt/lists/a_b_dists_c_d_binary-amd64_Packages${ending}`],
    );
  }
});

for (const [uri, site] of [
  ['http://deb.debian.org/debian', 'deb.debian.org'],
  ['https://user:secret@example.org:8443/x', 'example.org'],
  ['http://[::1]:8080/x', '::1'],
  ['file:/srv/repository', ''],
  ['mirror+file:/etc/apt/mirrors/debian.list', ''],
] as const) {
  test(`siteOf() finds "${site}" in ${uri}`, t => t.is(siteOf(uri), site));
}

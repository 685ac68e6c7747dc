import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const home = fileURLToPath(new URL('..', import.meta.url));

/** Which of our folders a folder may import from. The longest matching prefix rules. */
const allowed: {[folder: string]: string[]} = {
  'agent/': ['agent/', 'policies/', 'nameservice/', 'controller/protocol/', 'package.json'],
  'bench/': ['bench/', 'agent/', 'policies/', 'controller/'],
  'controller/': ['controller/', 'nameservice/'],
  'controller/protocol/': ['controller/protocol/'],
  'nameservice/': ['nameservice/'],
  'policies/': ['policies/'],
  'scripts/': ['scripts/', 'agent/', 'policies/'],
};

/** Node's modules that reach outside the process, and the only files that may: everyone else goes through Host. */
const guarded: {[module: string]: string[]} = {
  'node:child_process': [
    'agent/host/command.ts',
    'agent/host/local/',
    'agent/daemon/',
    'agent/link/inventory/',
    'agent/up/',
    'scripts/',
    'bench/',
  ],
  'node:fs': [
    'agent/host/local/',
    'agent/main.ts',
    'agent/cli/packs.ts',
    'agent/checker/',
    'agent/daemon/',
    'agent/link/',
    'agent/up/',
    'controller/',
    'scripts/',
    'bench/',
  ],
  'node:os': [
    'agent/host/local/',
    'agent/main.ts',
    'agent/checker/main.ts',
    'agent/daemon/',
    'agent/link/',
    'agent/up/',
    'controller/',
    'scripts/',
    'bench/',
  ],
  'node:net': [
    'agent/cli/controller/',
    'agent/ipc/',
    'agent/daemon/sockets/',
    'agent/link/',
    'agent/up/',
    'controller/',
    'bench/',
  ],
  'node:tls': ['agent/cli/controller/', 'agent/link/', 'controller/', 'bench/'],
  'node:dns': ['agent/link/'],
  'node:dns/promises': ['agent/link/'],
  'node:http': ['agent/link/', 'agent/cli/controller/', 'agent/up/', 'controller/', 'bench/'],
  'node:https': ['agent/link/', 'controller/', 'bench/'],
  'node:dgram': [],
  'node:sqlite': ['agent/daemon/', 'agent/link/', 'controller/store/', 'bench/'],
  'node:worker_threads': ['controller/store/', 'bench/'],
  'node:fs/promises': ['agent/up/', 'controller/', 'scripts/', 'bench/'],
  ws: ['agent/link/', 'controller/', 'bench/'],
  systeminformation: ['agent/link/inventory/'],
};

type Import = {file: string; target: string};

function sources(): string[] {
  return Object.keys(allowed)
    .filter(folder => folder !== 'controller/protocol/' && existsSync(join(home, folder)))
    .flatMap(folder => readdirSync(join(home, folder), {recursive: true, encoding: 'utf8'}).map(name => folder + name))
    .filter(name => /\.tsx?$/.test(name) && !name.includes('node_modules'));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(home, file), 'utf8');
  const names = String.raw`(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)`;
  const pattern = new RegExp(
    String.raw`^(?:import|export)\s+(?:type\s+)?${names}\s+from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)`,
    'gm',
  );
  return [...text.matchAll(pattern)].map(match => ({file, target: (match[1] ?? match[2] ?? match[3]) as string}));
}

const all = sources().flatMap(importsOf);

test('folders import only what the table allows', t => {
  t.true(all.length > 100, `only ${all.length} imports were found, so the search is broken`);
  const folders = Object.keys(allowed).sort((a, b) => b.length - a.length);
  const wrong = all.flatMap(({file, target}) => {
    if (!target.startsWith('.')) return [];
    const path = relative(home, resolve(home, dirname(file), target));
    const folder = folders.find(name => file.startsWith(name)) as string;
    return (allowed[folder] as string[]).some(prefix => path.startsWith(prefix)) ? [] : [`${file} imports ${path}`];
  });
  t.deepEqual(wrong, []);
});

test('only the guarded files reach outside the process', t => {
  const wrong = all.flatMap(({file, target}) => {
    const keepers = guarded[target];
    return keepers === undefined || keepers.some(prefix => file.startsWith(prefix))
      ? []
      : [`${file} imports ${target}`];
  });
  t.deepEqual(wrong, []);
});

test('only main files read argv and the environment, print, or exit', t => {
  const wrong = sources()
    .filter(file => !/main\.tsx?$/.test(file) && !file.startsWith('scripts/') && !file.startsWith('bench/'))
    .flatMap(file => {
      const text = readFileSync(join(home, file), 'utf8');
      const found = /process\.(argv|env|exit|exitCode|stdout|stderr|stdin)\b|\bconsole\.\w+/.exec(text);
      return found === null ? [] : [`${file}: ${found[0]}`];
    });
  t.deepEqual(wrong, []);
});

/** Dependencies that `npm start` builds with and no process of ours loads. */
const buildOnly = new Set(['node-api-headers']);

test('every npm package that is imported is a declared dependency, and none beyond is declared', t => {
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const used = new Set(
    all
      .filter(({target, file}) => /^[a-z@]/.test(target) && !target.startsWith('node:') && !file.startsWith('scripts/'))
      .map(({target}) => target.split('/', target.startsWith('@') ? 2 : 1).join('/')),
  );
  const declared = Object.keys(manifest.dependencies).filter(name => !buildOnly.has(name));
  t.deepEqual([...used].sort(), declared.sort());
});

/** What runs as root, and what would give it a network. */
const rootEntries = ['agent/daemon/main.ts', 'agent/checker/main.ts'];
const network = [
  'ws',
  'hono',
  '@hono/node-server',
  'systeminformation',
  'node:http',
  'node:https',
  'node:http2',
  'node:tls',
  'node:dns',
  'node:dns/promises',
  'node:dgram',
];

/** The way from a file to each module that is not ours, through all that it imports. */
function reachable(entry: string): Map<string, string[]> {
  const ways = new Map<string, string[]>([[entry, [entry]]]);
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const {target} of importsOf(file)) {
      const path = target.startsWith('.') ? relative(home, resolve(home, dirname(file), target)) : target;
      if (ways.has(path)) continue;
      ways.set(path, [...(ways.get(file) as string[]), path]);
      if (path.endsWith('.ts')) waiting.push(path);
    }
  }
  return ways;
}

for (const entry of rootEntries) {
  test(`${entry} reaches nothing that talks to a network`, t => {
    const ways = reachable(entry);
    t.true(ways.size > 20, `only ${ways.size} modules were found, so the search is broken`);
    t.true(reachable('agent/link/main.ts').has('ws'), 'the link does reach the network, so the search is broken');
    t.deepEqual(
      network.flatMap(name => ways.get(name)?.join(' > ') ?? []),
      [],
    );
    const sockets = [...ways].filter(
      ([file]) => file.endsWith('.ts') && importsOf(file).some(({target}) => target === 'node:net'),
    );
    const wrong = sockets.filter(([file]) => !/^agent\/(?:ipc|daemon\/sockets)\//.test(file));
    t.deepEqual(
      wrong.map(([, way]) => way.join(' > ')),
      [],
    );
  });
}

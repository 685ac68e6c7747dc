import {localHost} from '../agent/host/local/host.ts';
import type {Fixture} from '../agent/host/memory/fixture.ts';
import {readPackFolder, readYamlFiles} from '../agent/packs/disk.ts';
import {lintPack, readBases} from '../agent/packs/lint.ts';
import {formatProblem} from '../policies/load/problem.ts';

const host = localHost('/');
const args = process.argv.slice(2);
const rule = args.includes('--rule') ? args[args.indexOf('--rule') + 1] : undefined;
const path = args.find(a => !a.startsWith('--') && a !== rule) as string;
const shipped = readBases(
  {bases: await readYamlFiles(host, new URL('../policies/bases', import.meta.url).pathname, false)},
  new Map<string, Fixture>(),
);
const real = (await import('node:fs')).realpathSync(path);
const folder = await readPackFolder(host, real);
const r = await lintPack(folder, shipped.bases, {
  mutate: !args.includes('--no-mutate'),
  ...(rule === undefined ? {} : {rule}),
} as never);
for (const p of [...shipped.problems, ...r.problems]) console.log(formatProblem(p));
console.log(`${r.rules} rules, ${r.cases} cases, ${r.mutants} mutants, ${r.problems.length} problems`);
process.exit(r.problems.length ? 1 : 0);

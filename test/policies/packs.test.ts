import {readdirSync} from 'node:fs';
import {basename, join} from 'node:path';
import test from 'ava';
import {home, shippedBases, shippedPacks} from '../../agent/home.ts';
import {localHost} from '../../agent/host/local/host.ts';
import {readPackFolder, readPackProofs, readYamlFiles} from '../../agent/packs/disk.ts';
import {lintPack, readBases} from '../../agent/packs/lint.ts';
import {formatProblem} from '../../policies/load/problem.ts';

const program = localHost('/');
const paths = [
  ...readdirSync(shippedPacks).map(name => join(shippedPacks, name)),
  `${home}examples/policies.d/our-hosts`,
];

test('there are packs to test', t => {
  t.true(paths.length > 1);
});

test('every base is a machine that can be read', async t => {
  const {bases, problems} = readBases(await readYamlFiles(program, shippedBases, true), new Map());
  t.deepEqual(problems.map(formatProblem), []);
  t.true(bases.size > 0);
});

for (const path of paths) {
  test(`pack ${basename(path)}: each rule's cases come out as they say, and notice every mutant`, async t => {
    t.timeout(300_000);
    const shipped = readBases(await readYamlFiles(program, shippedBases, true), new Map());
    const folder = {...(await readPackFolder(program, path)), ...(await readPackProofs(program, path))};
    const result = await lintPack(folder, shipped.bases, {
      mutate: true,
    });
    t.deepEqual(result.problems.map(formatProblem), []);
    t.true(result.cases >= 2 * result.rules && result.mutants >= result.rules);
    t.log(`${result.rules} rules, ${result.cases} cases, ${result.mutants} mutants`);
  });
}

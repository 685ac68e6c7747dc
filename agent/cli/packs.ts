import {realpathSync} from 'node:fs';
import {formatProblem} from '../../policies/load/problem.ts';
import {ReeveError} from '../errors.ts';
import {shippedBases} from '../home.ts';
import {localHost} from '../host/local/host.ts';
import type {Fixture} from '../host/memory/fixture.ts';
import {readPackFolder, readPackProofs, readYamlFiles} from '../packs/disk.ts';
import {lintPack, readBases} from '../packs/lint.ts';
import {counted} from '../report/text.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';

/** `reeve packs lint PATH`: all problems of a pack, its cases run and its mutants tried. */
export async function lintPackAt(
  path: string,
  options: {mutate: boolean; rule?: string; json?: boolean},
  io: Io,
): Promise<ExitStatus> {
  const program = localHost('/');
  const real = realPath(path);
  const folder = {...(await readPackFolder(program, real)), ...(await readPackProofs(program, real))};
  const shipped = readBases(await readYamlFiles(program, shippedBases, true), new Map<string, Fixture>());
  const result = await lintPack(folder, shipped.bases, {
    mutate: options.mutate,
    ...(options.rule === undefined ? {} : {rule: options.rule}),
  });
  const problems = [...shipped.problems, ...result.problems];
  if (options.json)
    io.out(
      `${JSON.stringify({rules: result.rules, cases: result.cases, mutants: result.mutants, problems}, null, 2)}\n`,
    );
  else {
    for (const problem of problems) io.out(`${formatProblem(problem)}\n`);
    io.out(
      `${counted(result.rules, 'rule')}, ${counted(result.cases, 'case')}, ${counted(result.mutants, 'mutant')} tried, ${counted(problems.length, 'problem')}\n`,
    );
  }
  return problems.length === 0 ? exitStatus.ok : exitStatus.config;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new ReeveError(
      'REEVE_PACK_UNREADABLE',
      `cannot read the pack "${path}": it does not exist or may not be read`,
      {cause: error},
    );
  }
}

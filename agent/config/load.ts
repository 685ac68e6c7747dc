import {shapeProblems} from '../../policies/load/pack.ts';
import type {Problem} from '../../policies/load/problem.ts';
import {readYaml, type YamlFile} from '../../policies/load/yaml.ts';
import {ReeveError} from '../errors.ts';
import type {Host} from '../host/host.ts';
import {counted} from '../report/text.ts';
import {cronProblem} from './cron.ts';
import {readOwnFile} from './own-file.ts';
import {type Config, configSchema, defaultConfig, withDefaults} from './schema.ts';

export const configPath = '/etc/reeve/agent.yaml';

export type LoadedConfig = {
  config: Config;
  path: string /** Why the defaults stand, when the file was not used. */;
  note: string | null;
};

/**
 * Reads the configuration. A missing file at the usual place means the defaults; one that was named must exist.
 * Throws `REEVE_CONFIG_INVALID` with all problems when the file is wrong or others than root may change it.
 */
export async function loadConfig(host: Host, path: string | null): Promise<LoadedConfig> {
  const file = await readOwnFile(host, path ?? configPath, 'REEVE_CONFIG_INVALID');
  if (file.state === 'absent' && path !== null)
    throw new ReeveError('REEVE_CONFIG_INVALID', `cannot load "${path}": it does not exist`);
  if (file.state === 'absent')
    return {config: defaultConfig, path: configPath, note: `${configPath} does not exist, the defaults are used`};
  if (file.state === 'denied')
    return {config: defaultConfig, path: configPath, note: `${file.reason}: the defaults are used`};
  const {config, problems} = parseConfig(path ?? configPath, file.text);
  if (config === null)
    throw new ReeveError(
      'REEVE_CONFIG_INVALID',
      `cannot load "${path ?? configPath}": ${counted(problems.length, 'problem')}`,
      {problems},
    );
  return {config, path: path ?? configPath, note: null};
}

/** Text to configuration, or every problem in it. An empty file is the defaults. */
export function parseConfig(
  path: string,
  text: string,
): {config: Config; problems: []} | {config: null; problems: Problem[]} {
  const yaml = readYaml(path, text);
  const value = yaml.value ?? {};
  const problems = [
    ...yaml.problems,
    ...(yaml.problems.length > 0 ? [] : shapeProblems(yaml, configSchema, [], value)),
  ];
  if (problems.length === 0) problems.push(...cronProblems(yaml, value));
  return problems.length > 0 ? {config: null, problems} : {config: withDefaults(value), problems: []};
}

/** What is wrong with the cron expressions of a configuration that has its shape. */
function cronProblems(yaml: YamlFile, {checks}: Parameters<typeof withDefaults>[0]): Problem[] {
  const named = [
    {at: ['checks', 'schedule'], expression: checks?.schedule},
    ...Object.entries(checks?.packs ?? {}).map(([pack, expression]) => ({at: ['checks', 'packs', pack], expression})),
  ];
  return named.flatMap(({at, expression}) => {
    const wrong = expression === undefined ? null : cronProblem(expression);
    if (wrong === null) return [];
    return yaml.problem(at, `"${expression}" is no cron expression: ${wrong}`, 'REEVE_VALUE_INVALID');
  });
}

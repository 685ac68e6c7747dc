import {stringify} from 'yaml';
import {loadConfig} from '../config/load.ts';
import {localHost} from '../host/local/host.ts';
import {countAttestations, loadSite} from '../packs/load.ts';
import {counted} from '../report/text.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';

/** `reeve config check`: the configuration, packs and waivers load. Problems are thrown with their places. */
export async function checkConfig(options: {config?: string; json?: boolean}, io: Io): Promise<ExitStatus> {
  const program = localHost('/');
  const {config, path, note} = await loadConfig(program, options.config ?? null);
  const {packs, waivers, notes} = await loadSite(program, config);
  const attestations = await countAttestations(program, config.policies_dir);
  const rules = packs.reduce((sum, pack) => sum + pack.rules.length, 0);
  const all = [...(note === null ? [] : [note]), ...notes];
  if (options.json)
    io.out(
      `${JSON.stringify({path, packs: packs.map(({name, version, digest}) => ({name, version, digest})), rules, waivers: waivers.length, attestations, notes: all}, null, 2)}\n`,
    );
  else {
    io.out(
      `${path}: ${counted(packs.length, 'pack')} with ${counted(rules, 'rule')}, ${counted(waivers.length, 'waiver')}, ${counted(attestations, 'attestation')}: all load\n`,
    );
    for (const text of all) io.out(`${text}\n`);
  }
  return exitStatus.ok;
}

/** `reeve config print`: the effective configuration, defaults filled in, as YAML that `config check` takes back. */
export async function printConfig(options: {config?: string; json?: boolean}, io: Io): Promise<ExitStatus> {
  const {config} = await loadConfig(localHost('/'), options.config ?? null);
  const {packs, ...rest} = config;
  const effective = packs.length === 0 ? rest : config;
  io.out(options.json ? `${JSON.stringify(effective, null, 2)}\n` : stringify(effective));
  return exitStatus.ok;
}

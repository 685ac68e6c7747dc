import {dirname} from 'node:path/posix';
import {type Answer, absent, seen, unseen} from '../../../policies/facts/answer.ts';
import type {BootEdit, BootEntriesFact} from '../../../policies/facts/boot.ts';
import {expandPattern} from '../glob.ts';
import type {Host} from '../host.ts';
import {grubVariables, parseBlsEntry, parseGrubConfig, parseGrubEnvironment, withVariables} from './boot/grub.ts';
import {single} from './collector.ts';

export const collectBootEntries = single<'bootEntries'>(({host}) => readBootEntries(host));

const grubConfigs = ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/boot/grub/custom.cfg', '/boot/grub2/custom.cfg'];
const efiGrubConfigs = '/boot/efi/EFI/*/grub.cfg';
const blsEntries = ['/boot/loader/entries/*.conf', '/boot/efi/loader/entries/*.conf', '/efi/loader/entries/*.conf'];
const unifiedImages = ['/boot/efi/EFI/Linux/*.efi', '/boot/EFI/Linux/*.efi', '/efi/EFI/Linux/*.efi'];

/**
 * The kernels that the boot loader offers, with their arguments: of GRUB's configuration, and of Boot Loader
 * Specification entries where GRUB reads them (`blscfg`) or is not there. Which one is chosen is not told: all count.
 * `absent` when no such configuration is there, as on machines whose kernel is started from outside.
 */
export async function readBootEntries(host: Host): Promise<Answer<BootEntriesFact>> {
  const files = new BootFiles(host);
  let configs = await files.read(grubConfigs);
  if (configs.length === 0) configs = await files.read([efiGrubConfigs]);
  const fromGrub = configs.map(({path, text}) => parseGrubConfig(path, text));
  const entries = fromGrub.flatMap(config => config.entries);
  const bls =
    configs.length === 0 || entries.length === 0 || fromGrub.some(config => config.readsBls)
      ? await files.read(blsEntries)
      : [];
  entries.push(...bls.map(({path, text}) => parseBlsEntry(path, text)).filter(entry => entry !== null));

  const variables = grubVariables(configs.map(({text}) => text));
  if (entries.some(entry => entry.arguments.some(word => word.includes('$')))) {
    for (const {text} of await files.read([...new Set(configs.map(({path}) => `${dirname(path)}/grubenv`))])) {
      for (const [name, value] of parseGrubEnvironment(text)) variables.set(name, value);
    }
  }
  const unified = configs.length === 0 ? await files.names(unifiedImages) : [];
  if (files.unreadable.length > 0) return unseen(files.unreadable.join('; '));
  if (entries.length + unified.length === 0) {
    return absent('no entries of GRUB or the Boot Loader Specification are in /boot or /efi', [
      ...grubConfigs.slice(0, 2),
      '/boot/loader/entries',
    ]);
  }
  const value: BootEntriesFact = {
    entries: [
      ...entries.map(entry => withVariables(entry, variables)),
      ...unified.map(path => ({
        where: path,
        unseen: `cannot tell the arguments of ${path}: they are inside the unified kernel image`,
      })),
    ],
    edit: await whereToEdit(host, {grub: configs.length > 0, bls: bls.length > 0}),
  };
  return seen(value, [...new Set(value.entries.map(({where}) => where.replace(/:\d+$/, '')))]);
}

/** Reads files of the boot loader; those that exist and cannot be read are kept as reasons. */
class BootFiles {
  readonly unreadable: string[] = [];
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async names(patterns: string[]): Promise<string[]> {
    const found: string[] = [];
    for (const pattern of patterns) {
      const {paths, unseen: hidden} = await expandPattern(this.#host.fs, pattern);
      found.push(...paths);
      this.unreadable.push(...hidden.map(({reason}) => reason));
    }
    return found;
  }

  async read(patterns: string[]): Promise<Array<{path: string; text: string}>> {
    const texts: Array<{path: string; text: string}> = [];
    const seenPaths = new Set<string>();
    for (const path of await this.names(patterns)) {
      const real = await this.#host.fs.realPath(path);
      if (real.ok && seenPaths.has(real.value)) continue;
      if (real.ok) seenPaths.add(real.value);
      const file = await this.#host.fs.readFile(path);
      if (!file.ok) this.unreadable.push(file.reason);
      else if (file.value.truncated) this.unreadable.push(`${path} is too large to be a boot loader's configuration`);
      else texts.push({path, text: file.value.bytes.toString('utf8')});
    }
    return texts;
  }
}

async function whereToEdit({fs}: Host, found: {grub: boolean; bls: boolean}): Promise<BootEdit> {
  const exists = async (path: string) => (await fs.lstat(path)).ok;
  if (found.bls && found.grub) return {by: 'grubby'};
  if (found.grub && (await exists('/etc/default/grub'))) {
    const debian = await exists('/usr/sbin/update-grub');
    const config = (await exists('/boot/grub2')) ? '/boot/grub2/grub.cfg' : '/boot/grub/grub.cfg';
    const apply = debian
      ? 'update-grub'
      : `${config.startsWith('/boot/grub2') ? 'grub2-mkconfig' : 'grub-mkconfig'} -o ${config}`;
    return {by: 'grub', where: await lastAssignment(fs, 'GRUB_CMDLINE_LINUX'), apply};
  }
  if (await exists('/etc/kernel/cmdline'))
    return {by: 'kernel-install', where: '/etc/kernel/cmdline', apply: 'kernel-install add-all'};
  return {by: 'unknown'};
}

/** `path:line` of the last assignment in /etc/default/grub and grub.d, which later files add to or replace. */
async function lastAssignment(fs: Host['fs'], name: string): Promise<string> {
  let where = '/etc/default/grub';
  const {paths} = await expandPattern(fs, '/etc/default/grub.d/*.cfg');
  for (const path of ['/etc/default/grub', ...paths]) {
    const file = await fs.readFile(path);
    if (!file.ok) continue;
    const line = file.value.bytes
      .toString('utf8')
      .split('\n')
      .findLastIndex(text => text.startsWith(`${name}=`));
    if (line >= 0) where = `${path}:${line + 1}`;
  }
  return where;
}

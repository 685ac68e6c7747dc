import {type Answer, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {BootEntriesFact} from '../../../../policies/facts/boot.ts';
import type {Host} from '../../host.ts';
import {readBootEntries} from '../boot-entries.ts';
import type {Looking} from '../collector.ts';
import {once} from '../once.ts';
import {type BuiltLsms, lsmAtBoot, parseKernelConfig, type RunningLsms} from './boot-lsm.ts';
import {activeLsms, readText} from './lsm.ts';

/** What a boot makes of one LSM; `enforcing` is the command line's own word on SELinux's mode, if it has one. */
export type BootOutcome = {on: boolean; words: string[]; why: string; where: string};

/**
 * What the next boot makes of an LSM. Every entry of the loader counts, with every kernel that is installed: which ones
 * are chosen is not told. What /etc/default/grub switches off counts as well: the next update-grub brings it in.
 */
export async function nextBoot(looking: Looking, name: 'selinux' | 'apparmor'): Promise<Answer<BootOutcome[]>> {
  const {host} = looking;
  const entries = await bootEntries(looking);
  if (entries.state !== 'seen') return entries;
  const running = await runningLsms(host);
  const kernels = await builtKernels(looking);
  const outcomes: BootOutcome[] = [];
  const usualFirst = entries.value.entries.toSorted((a, b) => Number(isRecovery(a)) - Number(isRecovery(b)));
  for (const entry of usualFirst) {
    if ('unseen' in entry) return unseen(`cannot tell what the next boot does: ${entry.unseen}`);
    for (const built of kernels) {
      const {on, why} = lsmAtBoot(name, entry.arguments, built, running);
      if (on === null) return unseen(`cannot tell what the next boot does: ${entry.where}: ${why}`);
      outcomes.push({on, words: entry.arguments, why: `${why} (${entry.title})`, where: entry.where});
    }
  }
  const later = await grubDefaults(host);
  if (!Array.isArray(later)) return unseen(later.reason);
  for (const {words, where} of later) {
    const {on, why} = lsmAtBoot(name, words, null, null);
    outcomes.push({on: on !== false, words, why: `${why} in ${where}`, where});
  }
  return seen(outcomes, [...new Set([...entries.where, ...later.map(({where}) => where)])]);
}

const isRecovery = (entry: BootEntriesFact['entries'][number]) => 'recovery' in entry && entry.recovery;
const bootEntries = once(({host}) => readBootEntries(host));

async function runningLsms(host: Host): Promise<RunningLsms | null> {
  const lsms = await activeLsms(host);
  const line = host.live ? await readText(host, '/proc/cmdline') : null;
  if (lsms.state !== 'seen' || !line?.ok) return null;
  return {lsms: lsms.value, arguments: line.value.trim().split(/\s+/), where: lsms.where.join(', ')};
}

const maxKernels = 20;

/** How each kernel in /boot was built, from the configuration that its package ships; null for one that ships none. */
const builtKernels = once(async ({host}): Promise<Array<BuiltLsms | null>> => {
  const list = await host.fs.list('/boot');
  const names = list.ok ? list.value.names.filter(name => name.startsWith('vmlinuz-')).sort() : [];
  const found: Array<BuiltLsms | null> = [];
  for (const name of names.slice(0, maxKernels)) {
    const version = name.slice('vmlinuz-'.length);
    const texts = await Promise.all(
      [`/boot/config-${version}`, `/usr/lib/modules/${version}/config`].map(async path => ({
        path,
        text: await readText(host, path, 2 * 1024 * 1024),
      })),
    );
    const first = texts.find(({text}) => text.ok);
    if (version.includes('rescue') && first === undefined) continue;
    found.push(first?.text.ok ? parseKernelConfig(first.text.value, first.path) : null);
  }
  return found.length === 0 ? [null] : found;
});

const commandLine = /^(?:export )?(GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=(?:"([^"]*)"|'([^']*)'|(\S*))/;
const macWord = /^(?:lsm|security|selinux|apparmor|enforcing)=/;

/** The words about LSMs that /etc/default/grub and its drop-ins hand to update-grub(8), with their places. */
async function grubDefaults(host: Host): Promise<Array<{words: string[]; where: string}> | {reason: string}> {
  const folder = '/etc/default/grub.d';
  const list = await host.fs.list(folder);
  if (!list.ok && list.code !== 'absent') return {reason: list.reason};
  const dropIns = list.ok ? list.value.names.filter(name => name.endsWith('.cfg')).sort() : [];
  const last = new Map<string, {words: string[]; where: string}>();
  for (const path of ['/etc/default/grub', ...dropIns.map(name => `${folder}/${name}`)]) {
    const text = await readText(host, path);
    if (!text.ok) {
      if (text.code === 'absent') continue;
      return {reason: text.reason};
    }
    for (const [index, line] of text.value.split('\n').entries()) {
      const match = commandLine.exec(line.trim());
      if (match === null) continue;
      const key = match[1] as string;
      const value = match[2] ?? match[3] ?? match[4] ?? '';
      const before = /\$\{?GRUB_CMDLINE_LINUX/.test(value) ? (last.get(key)?.words ?? []) : [];
      last.set(key, {
        words: [...before, ...value.split(/\s+/).filter(word => macWord.test(word))],
        where: `${path}:${index + 1}`,
      });
    }
  }
  return [...last.values()].filter(({words}) => words.length > 0);
}

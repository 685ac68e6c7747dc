import type {Host} from '../../host.ts';
import {compareReleases} from './kernels.ts';

/**
 * The kernel that the boot loader starts when nobody chooses, where that can be told: the saved or numbered entry of
 * GRUB with Boot Loader Specification entries (RHEL), or the first entry of a grub.cfg whose default is 0 (Debian).
 */
export async function readBootDefault(host: Host): Promise<string | null> {
  const entries = await readEntries(host);
  if (entries.size > 0) {
    const saved = (await savedEntry(host)) ?? '0';
    if (entries.has(saved)) return entries.get(saved) ?? null;
    if (!/^\d{1,3}$/.test(saved)) return null;
    return [...entries.values()].sort((a, b) => compareReleases(b, a))[Number(saved)] ?? null;
  }
  const config = await host.fs.readFile('/boot/grub/grub.cfg', {maxBytes: 1024 * 1024});
  if (!config.ok || config.value.truncated) return null;
  const text = config.value.bytes.toString('utf8');
  const defaults = [...text.matchAll(/^\s*set default="([^"\n]*)"/gm)].map(match => match[1]);
  if (defaults.at(-1) !== '0') return null;
  return /^\s*linux(?:efi)?\s+\S*\/vmlinuz-(\S+)/m.exec(text)?.[1] ?? null;
}

/** Entry id → kernel release. */
async function readEntries(host: Host): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  const list = await host.fs.list('/boot/loader/entries', {max: 200});
  for (const name of list.ok ? list.value.names.filter(entry => entry.endsWith('.conf')) : []) {
    const file = await host.fs.readFile(`/boot/loader/entries/${name}`, {maxBytes: 64 * 1024});
    if (!file.ok) return new Map();
    const text = file.value.bytes.toString('utf8');
    // Rescue entries say "0-rescue-…" here.
    const release = /^version\s+(\d\S*)/m.exec(text)?.[1];
    if (release !== undefined && !release.startsWith('0-rescue')) entries.set(name.replace(/\.conf$/, ''), release);
  }
  return entries;
}

async function savedEntry(host: Host): Promise<string | null> {
  for (const path of ['/boot/grub2/grubenv', '/boot/grub/grubenv']) {
    const file = await host.fs.readFile(path, {maxBytes: 4096});
    const saved = file.ok ? /^saved_entry=(.*)$/m.exec(file.value.bytes.toString('utf8'))?.[1] : undefined;
    if (saved !== undefined) return saved.trim();
  }
  return null;
}

import type {Host} from '../../host.ts';
import {type Look, looked} from '../../look.ts';

/** The architectures that dpkg installs, its own first. dpkg writes them down only when foreign ones were added. */
export async function readArchitectures(host: Host, native: string): Promise<Look<string[]>> {
  const file = await host.fs.readFile('/var/lib/dpkg/arch', {maxBytes: 4096});
  if (!file.ok && file.code !== 'absent') return file;
  const lines = file.ok ? file.value.bytes.toString('latin1').split('\n') : [];
  return looked([...new Set([native, ...lines.filter(line => /^[a-z0-9-]+$/.test(line))])]);
}

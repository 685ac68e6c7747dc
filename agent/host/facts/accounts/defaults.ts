import type {Host} from '../../host.ts';
import {type Look, looked} from '../../look.ts';
import {readLines} from './records.ts';

/** shells(5). Without the file, getusershell(3) takes these two. */
export async function readShells(host: Host): Promise<Look<string[]>> {
  const lines = await readLines(host, '/etc/shells');
  if (!lines.ok) return lines.code === 'absent' ? looked(['/bin/sh', '/bin/csh']) : lines;
  return looked(lines.value.map(line => (line.split('#', 1)[0] as string).trim()).filter(line => line.startsWith('/')));
}

/** login.defs(5), or the vendor's where the administrator has none. A later line wins; numbers are read as strtol(3) does. */
export async function readLoginDefs(host: Host): Promise<Look<{uidMin: number; uidMax: number}>> {
  const ids = {uidMin: 1000, uidMax: 60_000};
  for (const path of ['/etc/login.defs', '/usr/etc/login.defs']) {
    const lines = await readLines(host, path);
    if (!lines.ok && lines.code === 'absent') continue;
    if (!lines.ok) return lines;
    for (const line of lines.value) {
      const match = /^\s*(UID_MIN|UID_MAX)\s+"?(0[xX][0-9a-fA-F]+|\d+)"?\s*$/.exec(line);
      if (match !== null) ids[match[1] === 'UID_MIN' ? 'uidMin' : 'uidMax'] = readNumber(match[2] as string);
    }
    break;
  }
  return looked(ids);
}

const readNumber = (text: string) => (/^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text));

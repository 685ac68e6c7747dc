import type {SelinuxMode} from '../../../../policies/facts/selinux.ts';

export type SelinuxConfig = {
  mode: {value: SelinuxMode; line: number} | null;
  type: {value: string; line: number | null};
};

const modes: readonly SelinuxMode[] = ['enforcing', 'permissive', 'disabled'];
/** libselinux reads the mode with fgets() into one page: what a longer line has left counts as a line of its own. */
const chunkLength = 4095;

/**
 * /etc/selinux/config as libselinux reads it (selinux_config.c). Mode: `SELINUX=` in column 0 and in that case, the
 * first line whose value begins, in any case, with a known word. Type: `SELINUXTYPE=` in any case after white space,
 * the last line wins, `targeted` when there is none.
 */
export function parseSelinuxConfig(text: string): SelinuxConfig {
  const config: SelinuxConfig = {mode: null, type: {value: 'targeted', line: null}};
  for (const [index, line] of text.split('\n').entries()) {
    for (let start = 0; config.mode === null && start < Math.max(line.length, 1); start += chunkLength) {
      const value = modeOf(line.slice(start, start + chunkLength));
      if (value !== undefined) config.mode = {value, line: index + 1};
    }
    const trimmed = line.trimStart();
    if (trimmed.slice(0, 12).toUpperCase() === 'SELINUXTYPE=')
      config.type = {value: trimmed.slice(12).trim(), line: index + 1};
  }
  return config;
}

function modeOf(line: string): SelinuxMode | undefined {
  if (!line.startsWith('SELINUX=')) return undefined;
  const value = line.slice('SELINUX='.length).trimStart().toLowerCase();
  return modes.find(mode => value.startsWith(mode));
}

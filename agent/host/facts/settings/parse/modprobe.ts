import {linesOf} from '../reader.ts';

/** One command of modprobe.d(5), with the module's name in its canonical spelling. */
export type ModprobeLine = {command: string; module: string; rest: string; line: number};

/** `-` and `_` are the same in module names. */
export const moduleName = (name: string): string => name.replaceAll('-', '_');

export function parseModprobe(text: string): ModprobeLine[] {
  const found: ModprobeLine[] = [];
  let [joined, first] = ['', 0];
  for (const {line, number} of linesOf(text)) {
    if (joined === '') first = number;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const [command, module, ...rest] = (joined + line).trim().split(/\s+/);
    joined = '';
    if (command === undefined || module === undefined || command.startsWith('#')) continue;
    found.push({command, module: moduleName(module), rest: rest.join(' '), line: first});
  }
  return found;
}

import {absent, seen, unseen} from '../../../policies/facts/answer.ts';
import {single} from './collector.ts';

const paths = ['/etc/os-release', '/usr/lib/os-release'];

/** os-release(5): the first of the two files that exists. */
export const collectOs = single<'os'>(async ({host}) => {
  for (const path of paths) {
    const file = await host.fs.readFile(path, {maxBytes: 64 * 1024});
    if (file.ok) {
      const values = parseShellAssignments(file.value.bytes.toString('utf8'));
      const get = (key: string) => values.get(key) ?? '';
      const id = get('ID').toLowerCase() || 'linux';
      return seen(
        {
          id,
          like: get('ID_LIKE')
            .toLowerCase()
            .split(/\s+/)
            .filter(word => word !== ''),
          version: get('VERSION_ID'),
          codename: get('VERSION_CODENAME'),
          prettyName: get('PRETTY_NAME') || id,
          supportEnd: /^\d{4}-\d\d-\d\d$/.test(get('SUPPORT_END')) ? get('SUPPORT_END') : null,
        },
        [path],
      );
    }
    if (file.code !== 'absent') return unseen(file.reason);
  }
  return absent(`there is no ${paths.join(' or ')}`, paths);
});

/** `KEY=value`, with the quoting that os-release(5) allows and no expansion. A later key wins. */
export function parseShellAssignments(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const raw = match[2] as string;
    const quoted = /^"((?:[^"\\]|\\.)*)"$|^'([^']*)'$/.exec(raw);
    const value = quoted === null ? raw : (quoted[2] ?? (quoted[1] as string).replace(/\\(["$`\\])/g, '$1'));
    values.set(match[1] as string, value);
  }
  return values;
}

import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

/** A configuration for the real sshd: files below /etc/ssh/<name>/, the main one called sshd_config. */
export type SshdCase = {name: string; files: {[path: string]: string}; connection?: string};

/** What `sshd -T` printed, keyword → values; null where sshd refused the configuration, with what it said. */
export type SshdDump = {values: Map<string, string[]> | null; said: string};

/** A folder that stands for a machine with the installed sshd's version; `close` removes it. */
export function sshdRoot(cases: SshdCase[]): {root: string; close: () => void} {
  const root = mkdtempSync(join(tmpdir(), 'reeve-sshd-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), {recursive: true});
    writeFileSync(join(root, path), text);
  };
  const version = spawnSync('dpkg-query', ['--show', 'openssh-server'], {encoding: 'utf8'})
    .stdout.split('\t')[1]
    ?.trim();
  const stanza = [
    'Package: openssh-server',
    'Status: install ok installed',
    'Architecture: amd64',
    `Version: ${version}`,
  ];
  write('var/lib/dpkg/status', `${stanza.join('\n')}\n\n`);
  for (const {name, files} of cases) {
    for (const [path, text] of Object.entries(files)) write(`etc/ssh/${name}/${path}`, text);
  }
  return {root, close: () => rmSync(root, {recursive: true, force: true})};
}

/**
 * Asks the installed sshd, in a mount namespace of its own in which the folder's etc/ssh is /etc/ssh; nothing outside
 * it changes and no daemon starts. A text says why it cannot be asked here.
 */
export function dumpSshd(root: string, cases: SshdCase[]): SshdDump[] | string {
  if (!existsSync('/usr/sbin/sshd')) return 'openssh-server is not installed';
  const key = join(root, 'etc/ssh/key');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const calls = cases.map(({name, connection}, index) => {
    const options = connection === undefined ? '' : ` -C ${connection}`;
    return `/usr/sbin/sshd -T -f /etc/ssh/${name}/sshd_config -h /etc/ssh/key${options} >${root}/${index}.out 2>${root}/${index}.err; echo $? >${root}/${index}.rc`;
  });
  writeFileSync(
    join(root, 'run.sh'),
    `set -e\nmount -t tmpfs tmpfs /run\nmkdir -p /run/sshd\nmount --bind ${root}/etc/ssh /etc/ssh\nset +e\n${calls.join('\n')}\necho done\n`,
  );
  const namespaces = process.geteuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
  const run = spawnSync('unshare', [...namespaces, 'sh', join(root, 'run.sh')], {encoding: 'utf8'});
  if (!run.stdout?.includes('done')) return `no private mount namespace here: ${run.stderr || run.error?.message}`;
  const read = (index: number, kind: string) => readFileSync(join(root, `${index}.${kind}`), 'utf8');
  return cases.map((_, index) => ({
    values: read(index, 'rc').trim() === '0' ? parseDump(read(index, 'out')) : null,
    said: read(index, 'err'),
  }));
}

function parseDump(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n').filter(line => line !== '')) {
    const space = line.indexOf(' ');
    const name = space < 0 ? line : line.slice(0, space);
    values.set(name, [...(values.get(name) ?? []), space < 0 ? '' : line.slice(space + 1)]);
  }
  return values;
}

import type {TimeService, TimeSource} from '../../../../policies/facts/time.ts';
import type {Host} from '../../host.ts';
import {linesOf, Reading} from '../settings/reader.ts';

const maxDepth = 10;

type Walk = {reading: Reading; service: TimeService; sources: TimeSource[]};

/** chrony.conf(5): the first of Debian's and the Red Hat family's place that exists. */
export async function readChrony(host: Host): Promise<Walk> {
  const walk = startWalk(host, 'chrony');
  for (const path of ['/etc/chrony/chrony.conf', '/etc/chrony.conf']) {
    if ((await walk.reading.text(path)) === null) continue;
    await walkChrony(walk, path, 0);
    break;
  }
  return walk;
}

async function walkChrony(walk: Walk, path: string, depth: number): Promise<void> {
  const {reading} = walk;
  if (depth > maxDepth) {
    reading.fail(`cannot read ${path}: includes are nested more than ${maxDepth} deep`);
    return;
  }
  const text = await reading.text(path);
  for (const {line, number} of linesOf(text ?? '')) {
    if (/^\s*[!;#%]/.test(line)) continue;
    const [directive = '', ...words] = line.trim().split(/\s+/);
    switch (directive.toLowerCase()) {
      case 'include':
        for (const file of await reading.expand(words.slice(0, 1), {brackets: true}))
          await walkChrony(walk, file, depth + 1);
        break;
      case 'confdir':
        for (const file of await reading.merged(words, name => name.endsWith('.conf')))
          await walkChrony(walk, file, depth + 1);
        break;
      case 'sourcedir':
        for (const file of await reading.merged(words, name => name.endsWith('.sources')))
          await walkChrony(walk, file, depth + 1);
        break;
      default:
        addSource(walk, directive.toLowerCase(), words, `${path}:${number}`);
    }
  }
}

/** ntp.conf(5) of ntpsec and of the older ntp; the directory ntp.d beside the file is read too. */
export async function readNtp(host: Host, service: 'ntpsec' | 'ntp'): Promise<Walk> {
  const walk = startWalk(host, service);
  for (const path of service === 'ntpsec' ? ['/etc/ntpsec/ntp.conf', '/etc/ntp.conf'] : ['/etc/ntp.conf']) {
    if ((await walk.reading.text(path)) === null) continue;
    await walkNtp(walk, path, 0);
    for (const file of await walk.reading.merged([path.replace(/\.conf$/, '.d')], name => name.endsWith('.conf')))
      await walkNtp(walk, file, 1);
    break;
  }
  return walk;
}

async function walkNtp(walk: Walk, path: string, depth: number): Promise<void> {
  if (depth > maxDepth) {
    walk.reading.fail(`cannot read ${path}: includes are nested more than ${maxDepth} deep`);
    return;
  }
  const text = await walk.reading.text(path);
  for (const {line, number} of linesOf(text ?? '')) {
    const [directive = '', ...words] = (line.split('#', 1)[0] as string).trim().split(/\s+/);
    const own = words.filter(word => word !== '-4' && word !== '-6');
    if (directive === 'includefile' && own[0] !== undefined) {
      const file = own[0].startsWith('/') ? own[0] : `${path.slice(0, path.lastIndexOf('/'))}/${own[0]}`;
      await walkNtp(walk, file, depth + 1);
    } else if (own[0]?.startsWith('127.127.1.') !== true) addSource(walk, directive, own, `${path}:${number}`);
  }
}

/** OpenNTPD's ntpd.conf(5). */
export async function readOpenntpd(host: Host): Promise<Walk> {
  const walk = startWalk(host, 'openntpd');
  for (const path of ['/etc/openntpd/ntpd.conf', '/etc/ntpd.conf']) {
    const text = await walk.reading.text(path);
    for (const {line, number} of linesOf(text ?? '')) {
      const [directive = '', ...words] = (line.split('#', 1)[0] as string).trim().split(/\s+/);
      addSource(walk, directive, words, `${path}:${number}`);
    }
    if (text !== null) break;
  }
  return walk;
}

const startWalk = (host: Host, service: TimeService): Walk => ({reading: new Reading(host), service, sources: []});

const kinds = new Set(['server', 'servers', 'pool', 'peer', 'refclock', 'sensor']);

function addSource({sources, service}: Walk, kind: string, words: string[], where: string): void {
  const [address] = words;
  if (kinds.has(kind) && address !== undefined) sources.push({service, kind, address, where});
}

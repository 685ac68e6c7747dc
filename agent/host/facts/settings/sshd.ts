import {absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {SettingFact, SettingValue} from '../../../../policies/facts/setting.ts';
import type {Host} from '../../host.ts';
import {packageVersion} from './package-version.ts';
import {parseEnv} from './parse/env.ts';
import {Reading, type SettingLooking, type SettingReader} from './reader.ts';
import type {SshdBuild} from './sshd/algorithms.ts';
import {evaluateSshd} from './sshd/evaluate.ts';
import {sshdKeywords} from './sshd/keywords.ts';
import {isKnown, SshdLoader, type SshdSetting} from './sshd/load.ts';

const mainFiles = ['/etc/ssh/sshd_config', '/usr/etc/ssh/sshd_config'];
const programs = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'];
const packages = ['openssh-server', 'openssh'];

/** What the service units of distributions put on sshd's command line, in its order. */
const argumentFiles: Array<[path: string, name: string]> = [
  ['/etc/default/ssh', 'SSHD_OPTS'],
  ['/etc/sysconfig/sshd', 'OPTIONS'],
  ['/etc/crypto-policies/back-ends/opensshserver.config', 'CRYPTO_POLICY'],
];

type Sshd =
  | {reading: Reading; settings: SshdSetting[]; build: SshdBuild; main: string; change: SettingFact['change']}
  | {missing: string}
  | {unseen: string};

export const readSshd: SettingReader = async (request, looking) => {
  const keyword = sshdKeywords.get(request.key.toLowerCase());
  if (keyword === undefined) return unseen(`reeve does not know the sshd keyword ${request.key}`);
  const file = request.files[0];
  const sshd = await looking.once(`sshd ${file ?? ''}`, () => load(looking, file));
  if ('missing' in sshd) return absent(sshd.missing);
  if ('unseen' in sshd) return unseen(sshd.unseen);
  if (!isKnown(keyword, sshd.build))
    return absent(`the OpenSSH here (${sshd.build.package}) has no keyword ${keyword.name}`);
  const fact = evaluateSshd(keyword, sshd.settings, sshd.build);
  const change = changeBefore(sshd.change, fact.values[0]);
  return seen({...fact, change}, sshd.reading.read);
};

/** A value from the command line is changed there; another must be set before the line that wins now. */
function changeBefore(change: SettingFact['change'], winner: SettingValue | undefined): SettingFact['change'] {
  if (change === null || winner === undefined) return change;
  const file = winner.where.slice(0, winner.where.lastIndexOf(':'));
  if (winner.origin === 'command-line') {
    return {file, before: null, after: change.after?.replace('reload', 'restart') ?? null};
  }
  return {...change, before: file === change.file ? null : winner.where};
}

async function load(looking: SettingLooking, file: string | undefined): Promise<Sshd> {
  const {host} = looking;
  const version = await packageVersion(packages, looking);
  const built = buildOf(typeof version === 'string' ? version : null);
  if (typeof version !== 'string' && !(await anyExists(host, programs)))
    return {missing: `OpenSSH's server is not installed: no package, no ${programs.join(', ')}`};
  const reading = new Reading(host);
  const loader = new SshdLoader(reading, built);
  if (file === undefined) await addArguments(reading, loader);
  let main = file ?? (mainFiles[0] as string);
  for (const path of file === undefined ? mainFiles : [file]) {
    const before = reading.read.length + reading.unreadable.length;
    await loader.load(path);
    main = path;
    if (reading.read.length + reading.unreadable.length > before) break;
  }
  loader.checkWhole();
  if (reading.unreadable.length > 0) return {unseen: reading.unreadable.slice(0, 3).join('; ')};
  if (!reading.read.includes(main)) return {missing: `${file ?? mainFiles[0]} does not exist`};
  return {reading, settings: loader.settings, build: built, main, change: await changeOf(host, reading, main)};
}

/** `1:9.2p1-2+deb12u10` is 902 of Debian, `8.7p1-38.el9` is 807 of Red Hat. */
export function buildOf(version: string | null): SshdBuild {
  const found = version === null ? null : /^(?:\d+:)?(\d{1,2})\.(\d{1,2})/.exec(version);
  const vendor =
    version === null
      ? 'other'
      : /deb|ubuntu/.test(version) || version.startsWith('1:')
        ? 'debian'
        : /\.(?:el|fc|amzn)\d/.test(version)
          ? 'redhat'
          : 'other';
  return {version: found === null ? null : Number(found[1]) * 100 + Number(found[2]), vendor, package: version};
}

async function anyExists({fs}: Host, paths: string[]): Promise<boolean> {
  for (const path of paths) {
    const stat = await fs.stat(path);
    if (stat.ok || stat.code !== 'absent') return true;
  }
  return false;
}

/** `-o Keyword=value` and `-p port` of the service come before all files, so they win. */
async function addArguments(reading: Reading, loader: SshdLoader): Promise<void> {
  for (const [path, name] of argumentFiles) {
    const text = await reading.text(path);
    const entry = text === null ? undefined : parseEnv(text).findLast(({key}) => key === name);
    if (entry === undefined) continue;
    const words = entry.value.split(/\s+/).filter(word => word !== '');
    for (let at = 0; at < words.length; at++) {
      const option = /^-([op])(.*)$/s.exec(words[at] as string);
      if (option === null) continue;
      const value = option[2] || words[++at] || '';
      loader.addLine(
        option[1] === 'p' ? `Port ${value}` : value.replace('=', ' '),
        `${path}:${entry.line}`,
        'command-line',
      );
    }
  }
}

const dropIns = '/etc/ssh/sshd_config.d';

/** The first line that sets a keyword wins, so a change goes to the drop-in that is read first, or to the main file's top. */
async function changeOf({fs}: Host, reading: Reading, main: string): Promise<SettingFact['change']> {
  const text = main.startsWith('/etc/ssh/') ? await reading.text(main) : null;
  const first = text
    ?.split('\n')
    .map(line => line.trim())
    .find(line => line !== '' && !line.startsWith('#'));
  const includes = /^include[ \t=]+"?(?:\/etc\/ssh\/)?sshd_config\.d\/\*\.conf/i.test(first ?? '');
  const debian = (await fs.stat('/lib/systemd/system/ssh.service')).ok;
  return {
    file: includes ? `${dropIns}/00-reeve.conf` : main,
    before: null,
    after: `systemctl reload ${debian ? 'ssh' : 'sshd'}`,
  };
}

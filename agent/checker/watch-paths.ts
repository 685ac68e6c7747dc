import {applicabilityFacts, judgingFacts} from '../../policies/engine.ts';
import type {FactMap, FactName, FactRequest} from '../../policies/facts/index.ts';
import type {SettingFormat, SettingRequest} from '../../policies/facts/setting.ts';
import type {Rule} from '../../policies/pack.ts';
import {hasPattern} from '../host/glob.ts';

/**
 * Which files decide what a fact says: an entry itself, or with a `/` at the end, the entries of a directory. Empty for
 * what no file tells (the kernel, processes), and for what would take too many watches (trees, homes, package files): the
 * schedule finds changes there.
 */
type Watched = {[F in FactName]: (request: FactMap[F]['request']) => string[]};

const accounts = ['/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow'];
const bootLoader = [
  '/etc/default/grub',
  '/etc/default/grub.d/',
  '/etc/kernel/cmdline',
  '/boot/grub/',
  '/boot/grub2/',
  '/boot/loader/entries/',
];
const sudoers = ['/etc/sudoers', '/etc/sudoers.d/'];
const packageDatabase = ['/var/lib/dpkg/status', '/var/lib/rpm/', '/usr/lib/sysimage/rpm/'];
const unitRoots = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'];
const unitDirectories = ['/etc', '/usr/local/lib', '/usr/lib', '/lib'].map(root => `${root}/systemd/system`);
const wants = ['multi-user', 'graphical', 'sysinit', 'basic', 'sockets', 'timers', 'network-online', 'local-fs'];
const units = [
  ...unitDirectories.map(directory => `${directory}/`),
  ...wants.map(target => `/etc/systemd/system/${target}.target.wants/`),
  '/etc/init.d/',
];
const repositories = [
  '/etc/apt/sources.list',
  '/etc/apt/sources.list.d/',
  '/etc/apt/apt.conf',
  '/etc/apt/apt.conf.d/',
  '/etc/yum.conf',
  '/etc/dnf/dnf.conf',
  '/etc/yum.repos.d/',
];
const modprobe = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map(root => `${root}/modprobe.d/`);

const watched: Watched = {
  accounts: () => [...accounts, '/etc/shells', '/etc/login.defs'],
  apparmor: () => ['/etc/apparmor.d/', '/etc/apparmor.d/disable/', '/etc/apparmor.d/force-complain/', ...bootLoader],
  attestations: () => [],
  autoUpdates: () => ['/etc/apt/apt.conf.d/', '/etc/dnf/automatic.conf', ...units],
  bootEntries: () => bootLoader,
  denials: () => [],
  environment: () => [],
  file: ({path}) => [path],
  firewall: () => [],
  fstab: () => ['/etc/fstab', '/etc/systemd/system/'],
  homes: () => ['/etc/passwd'],
  kernel: () => [],
  kernelModule: () => modprobe,
  listeners: () => [],
  mounts: () => [],
  os: () => ['/etc/os-release', '/usr/lib/os-release'],
  packageFiles: () => packageDatabase,
  packages: () => packageDatabase,
  probe: () => [],
  processEnvironment: () => [],
  processes: () => [],
  realPaths: ({path}) => [path],
  reboot: () => ['/run/reboot-required', '/run/reboot-needed', ...packageDatabase],
  repositories: () => repositories,
  selinux: () => ['/etc/selinux/config', '/etc/selinux/', ...bootLoader],
  setting: request =>
    request.files.length === 0 || request.format === 'pam' ? usualPlaces[request.format](request) : filesOf(request),
  staleLibraries: () => [],
  sudo: () => sudoers,
  support: () => ['/etc/os-release', '/usr/lib/os-release'],
  sysctl: () => [
    '/etc/sysctl.conf',
    ...['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map(root => `${root}/sysctl.d/`),
  ],
  time: () => [
    '/etc/chrony.conf',
    '/etc/chrony/chrony.conf',
    '/etc/chrony/sources.d/',
    '/etc/ntp.conf',
    '/etc/ntpsec/ntp.conf',
    '/etc/systemd/timesyncd.conf',
    '/etc/systemd/timesyncd.conf.d/',
    '/etc/localtime',
  ],
  tree: () => [],
  units: () => units,
  updates: () => [...packageDatabase, ...repositories, '/etc/apt/preferences', '/etc/apt/preferences.d/'],
};

const none = () => [];

/** Where a format's configuration lies when a rule names no file. */
const usualPlaces: {[F in SettingFormat]: (request: SettingRequest) => string[]} = {
  'apt.conf': () => ['/etc/apt/apt.conf', '/etc/apt/apt.conf.d/'],
  env: none,
  gcfg: none,
  grub: () => [...bootLoader, '/etc/grub.d/'],
  ini: none,
  json: none,
  'key-value': none,
  limits: () => ['/etc/security/limits.conf', '/etc/security/limits.d/'],
  'login.defs': () => ['/etc/login.defs', '/usr/etc/login.defs'],
  modprobe: () => modprobe,
  pam: () => ['/etc/pam.d/', '/usr/lib/pam.d/'],
  sshd: () => [
    '/etc/ssh/',
    '/etc/ssh/sshd_config',
    '/etc/ssh/sshd_config.d/',
    '/etc/default/ssh',
    '/etc/sysconfig/sshd',
  ],
  sudoers: () => sudoers,
  'systemd-conf': none,
  'systemd-unit': ({unit = ''}) => unitDirectories.flatMap(root => [`${root}/${unit}`, `${root}/${unit}.d/`]),
  toml: none,
  yaml: none,
};

/** The files that a rule names, and of systemd's own files the drop-ins of every place. */
function filesOf({format, files}: SettingRequest): string[] {
  if (format !== 'systemd-conf') return files;
  return files.flatMap(file => {
    const root = unitRoots.find(path => file.startsWith(`${path}/`));
    const places = root === undefined ? [file] : unitRoots.map(path => path + file.slice(root.length));
    return places.flatMap(place => [place, `${place}.d/`]);
  });
}

/**
 * Where nothing is watched: file systems of the kernel's own, and places that are written to all the time and by
 * anybody, where a watch would cost more than it tells.
 */
const left = ['/proc', '/sys', '/dev', '/var/log', '/run/log', '/run/utmp', '/var/mail', '/var/crash'];
const maxPaths = 4096;

/**
 * The paths whose change makes it worth judging a rule again, sorted; what an attestation says is in the site's own
 * `attestations`.
 */
export function watchPaths(rule: Rule, attestations: string): string[] {
  const requests = [...applicabilityFacts([rule]), ...judgingFacts([rule])].map(({request}) => request);
  const paths = requests.flatMap(request =>
    request.fact === 'attestations' ? [attestations] : pathsOf(request).map(fixedPart).filter(isWatchable),
  );
  return [...new Set(paths)].sort().slice(0, maxPaths);
}

const pathsOf = (request: FactRequest): string[] =>
  (watched[request.fact] as (request: FactRequest) => string[])(request);

/** The directory above the first pattern, with its entries. */
function fixedPart(path: string): string {
  if (!hasPattern(path, {brackets: true})) return path;
  const parts = path.split('/');
  return `${parts
    .slice(
      0,
      parts.findIndex(part => hasPattern(part, {brackets: true})),
    )
    .join('/')}/`;
}

/** A place that is left out may itself be looked at, from the directory above: `/tmp`, but nothing in it. */
const isWatchable = (path: string): boolean =>
  path.startsWith('/') &&
  path !== '/' &&
  !left.some(place => path.startsWith(`${place}/`)) &&
  !['/proc', '/sys', '/dev'].includes(path);

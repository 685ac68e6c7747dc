import type * as accounts from './accounts.ts';
import type {Answer} from './answer.ts';
import type * as apparmor from './apparmor.ts';
import type * as attestations from './attestations.ts';
import type * as boot from './boot.ts';
import type * as denials from './denials.ts';
import type * as file from './file.ts';
import type * as firewall from './firewall.ts';
import type * as homes from './homes.ts';
import type * as kernel from './kernel.ts';
import type * as listen from './listen.ts';
import type * as mounts from './mounts.ts';
import type * as os from './os.ts';
import type * as packages from './packages.ts';
import type * as patch from './patch.ts';
import type * as probe from './probe.ts';
import type * as processes from './processes.ts';
import type * as realpath from './realpath.ts';
import type * as selinux from './selinux.ts';
import type * as setting from './setting.ts';
import type * as sudo from './sudo.ts';
import type * as sysctl from './sysctl.ts';
import type * as time from './time.ts';
import type * as tree from './tree.ts';
import type * as units from './units.ts';

/** Every fact that a kind may ask for: what the request holds, and what the answer's value is. */
export type FactMap = {
  accounts: {request: accounts.AccountsRequest; value: accounts.AccountsFact};
  apparmor: {request: apparmor.ApparmorRequest; value: apparmor.ApparmorFact};
  attestations: {request: attestations.AttestationsRequest; value: attestations.AttestationsFact};
  autoUpdates: {request: patch.AutoUpdatesRequest; value: patch.AutoUpdatesFact};
  bootEntries: {request: boot.BootEntriesRequest; value: boot.BootEntriesFact};
  denials: {request: denials.DenialsRequest; value: denials.DenialsFact};
  environment: {request: os.EnvironmentRequest; value: os.EnvironmentFact};
  file: {request: file.FileRequest; value: file.FileFacts};
  firewall: {request: firewall.FirewallRequest; value: firewall.FirewallFact};
  fstab: {request: mounts.FstabRequest; value: mounts.FstabFact[]};
  homes: {request: homes.HomesRequest; value: homes.HomeFact[]};
  kernel: {request: kernel.KernelRequest; value: kernel.KernelFact};
  kernelModule: {request: kernel.KernelModuleRequest; value: kernel.KernelModuleFact};
  listeners: {request: listen.ListenersRequest; value: listen.ListenersFact};
  mounts: {request: mounts.MountsRequest; value: mounts.MountFact[]};
  os: {request: os.OsRequest; value: os.OsFact};
  packageFiles: {request: packages.PackageFilesRequest; value: packages.PackageFilesFact};
  packages: {request: packages.PackagesRequest; value: packages.PackagesFact};
  probe: {request: probe.ProbeRequest; value: probe.ProbeFact};
  processEnvironment: {request: processes.ProcessEnvironmentRequest; value: processes.ProcessEnvironmentFact};
  processes: {request: processes.ProcessesRequest; value: processes.ProcessFact[]};
  realPaths: {request: realpath.RealPathsRequest; value: realpath.RealPathsFact};
  reboot: {request: patch.RebootRequest; value: patch.RebootFact};
  repositories: {request: patch.RepositoriesRequest; value: patch.RepositoriesFact};
  setting: {request: setting.SettingRequest; value: setting.SettingFact};
  staleLibraries: {request: patch.StaleLibrariesRequest; value: patch.StaleLibrariesFact};
  support: {request: patch.SupportRequest; value: patch.SupportFact};
  selinux: {request: selinux.SelinuxRequest; value: selinux.SelinuxFact};
  sudo: {request: sudo.SudoRequest; value: sudo.SudoFact};
  sysctl: {request: sysctl.SysctlRequest; value: sysctl.SysctlFact};
  tree: {request: tree.TreeRequest; value: tree.TreeFact};
  updates: {request: patch.UpdatesRequest; value: patch.UpdatesFact};
  time: {request: time.TimeRequest; value: time.TimeFact};
  units: {request: units.UnitsRequest; value: units.UnitsFact};
};

export type FactName = keyof FactMap;
export type FactRequest = {[K in FactName]: {fact: K} & FactMap[K]['request']}[FactName];
export type FactValue<R extends FactRequest> = FactMap[R['fact']]['value'];

/** The facts that were looked up before judging. Asking for one that no kind wanted is a bug and throws. */
export type Facts = {get<R extends FactRequest>(request: R): Answer<FactValue<R>>};

/** Requests that say the same have the same key, whatever the order of their fields. */
export function factKey(request: FactRequest): string {
  const ordered = Object.entries(request)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(ordered);
}

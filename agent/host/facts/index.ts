import type {FactName} from '../../../policies/facts/index.ts';
import {collectAccounts} from './accounts/collect.ts';
import {collectAttestations} from './attestations.ts';
import {collectAutoUpdates} from './autoUpdates.ts';
import {collectBootEntries} from './boot-entries.ts';
import type {Collector} from './collector.ts';
import {collectEnvironment} from './environment.ts';
import {collectFile} from './file.ts';
import {collectFirewall} from './firewall/collect.ts';
import {collectFstab} from './fstab/collect.ts';
import {collectHomes} from './homes.ts';
import {collectKernelModule} from './kernel/modules.ts';
import {collectKernel} from './kernel/running.ts';
import {collectListeners} from './listeners/collect.ts';
import {collectApparmor} from './mac/apparmor.ts';
import {collectDenials} from './mac/denials.ts';
import {collectSelinux} from './mac/selinux.ts';
import {collectMounts} from './mounts.ts';
import {collectOs} from './os.ts';
import {collectPackageFiles, collectPackages} from './packages.ts';
import {collectProbe} from './probe.ts';
import {collectProcesses} from './processes/collect.ts';
import {collectProcessEnvironment} from './processes/environment.ts';
import {collectRealPaths} from './realpath.ts';
import {collectReboot} from './reboot/collect.ts';
import {collectRepositories} from './repositories.ts';
import {collectSetting} from './setting.ts';
import {collectStaleLibraries} from './stale-libraries.ts';
import {collectSudo} from './sudo.ts';
import {collectSupport} from './support.ts';
import {collectSysctl} from './sysctl.ts';
import {collectTime} from './time/collect.ts';
import {collectTree} from './tree/collect.ts';
import {collectUnits} from './units/collect.ts';
import {collectUpdates} from './updates.ts';

/** Every fact and who looks it up, sorted by name. */
export const collectors: {[F in FactName]?: Collector<F>} = {
  accounts: collectAccounts,
  apparmor: collectApparmor,
  attestations: collectAttestations,
  autoUpdates: collectAutoUpdates,
  bootEntries: collectBootEntries,
  denials: collectDenials,
  environment: collectEnvironment,
  file: collectFile,
  firewall: collectFirewall,
  fstab: collectFstab,
  homes: collectHomes,
  kernel: collectKernel,
  kernelModule: collectKernelModule,
  listeners: collectListeners,
  mounts: collectMounts,
  os: collectOs,
  packageFiles: collectPackageFiles,
  packages: collectPackages,
  probe: collectProbe,
  processEnvironment: collectProcessEnvironment,
  processes: collectProcesses,
  realPaths: collectRealPaths,
  reboot: collectReboot,
  repositories: collectRepositories,
  selinux: collectSelinux,
  setting: collectSetting,
  staleLibraries: collectStaleLibraries,
  sudo: collectSudo,
  support: collectSupport,
  sysctl: collectSysctl,
  time: collectTime,
  tree: collectTree,
  units: collectUnits,
  updates: collectUpdates,
};

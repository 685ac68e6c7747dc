import {accountKind} from './account.ts';
import {attestKind} from './attest.ts';
import {fileKind} from './file.ts';
import {kernelKind} from './kernel.ts';
import type {Kind} from './kind.ts';
import {listenKind} from './listen.ts';
import {macKind} from './mac.ts';
import {mountKind} from './mount.ts';
import {packageKind} from './package.ts';
import {patchKind} from './patch.ts';
import {probeKind} from './probe.ts';
import {processKind} from './process.ts';
import {serviceKind} from './service.ts';
import {settingKind} from './setting.ts';
import {sysctlKind} from './sysctl.ts';
import {timeKind} from './time.ts';
import {treeKind} from './tree.ts';

/** Every kind, sorted by name. A new kind is its own file, its page in docs/kinds/, and one line here. */
export const kinds: readonly Kind[] = [
  accountKind,
  attestKind,
  fileKind,
  kernelKind,
  listenKind,
  macKind,
  mountKind,
  packageKind,
  patchKind,
  probeKind,
  processKind,
  serviceKind,
  settingKind,
  sysctlKind,
  timeKind,
  treeKind,
];

export const kindsByName: ReadonlyMap<string, Kind> = new Map(kinds.map(kind => [kind.name, kind]));

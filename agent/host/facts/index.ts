import type {FactName} from '../../../policies/facts/index.ts';
import {collectBootEntries} from './boot-entries.ts';
import type {Collector} from './collector.ts';
import {collectEnvironment} from './environment.ts';
import {collectFile} from './file.ts';
import {collectOs} from './os.ts';
import {collectProcesses} from './processes/collect.ts';
import {collectSysctl} from './sysctl.ts';

/** Every fact and who looks it up, sorted by name. */
export const collectors: {[F in FactName]?: Collector<F>} = {
  bootEntries: collectBootEntries,
  environment: collectEnvironment,
  file: collectFile,
  os: collectOs,
  processes: collectProcesses,
  sysctl: collectSysctl,
};

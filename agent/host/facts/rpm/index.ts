export {collectRpmPackageFiles} from './files.ts';
export {type RpmPackage, type RpmPackagesFact, readRpmPackages} from './packages.ts';
export {type DnfConfiguration, type DnfRepository, readDnfConfiguration} from './repositories.ts';
export {readDnfUpdates} from './updates.ts';

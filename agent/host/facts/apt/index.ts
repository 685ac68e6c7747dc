export {readAptAutomatic} from './automatic.ts';
export {readAptRepositories} from './signatures.ts';
export {readAptUpdates} from './updates.ts';

import {fileURLToPath} from 'node:url';

/**
 * The folder that holds the program, with a `/` at its end. It is one up from here in the sources (`agent/home.ts`) and
 * in the program that `npm run build` joins to few files (`build/`), so both find what lies beside them.
 */
export const home = fileURLToPath(new URL('..', import.meta.url));

/** Whether this is the joined program. */
export const built = /\.[cm]js$/.test(import.meta.url);

/** The file that a process of its own starts with. */
export const slowReaderPath = `${home}${built ? 'build/slow-reader.mjs' : 'agent/host/local/slow-reader.ts'}`;

/** What the agent starts to load or to judge: one process a job. */
export const checkerPath = `${home}${built ? 'build/checker.mjs' : 'agent/checker/main.ts'}`;

/** What the link starts to look what kind of machine this is. */
export const inventoryPath = `${home}${built ? 'build/inventory.mjs' : 'agent/link/inventory/main.ts'}`;

/** Where the packs that reeve ships lie, and the written-down machines that their cases build on. */
export const shippedPacks = `${home}policies/packs`;
export const shippedBases = `${home}policies/bases`;

/** What `make -C agent/native` builds. */
export const nativePath = `${home}agent/native/build/reeve_native.node`;

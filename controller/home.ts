import {fileURLToPath} from 'node:url';

/** One up from here, in the sources (`controller/home.ts`) and in the joined program (`build/`); with a `/` at its end. */
const home = fileURLToPath(new URL('..', import.meta.url));

const built = import.meta.url.endsWith('.mjs');

/** The file that the store's threads start with. */
export const storeWorkerPath = `${home}${built ? 'build/store-worker.mjs' : 'controller/store/worker.ts'}`;

/** The page's files, as `npm run build` makes them. */
export const pagePath = `${home}build/web`;

/** Says which version this is. */
export const manifestPath = `${home}package.json`;

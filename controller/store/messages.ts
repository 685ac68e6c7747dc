import type {StoreErrorCode} from './errors.ts';

/** What a thread of the store is started with. */
export type WorkerSetup = {role: 'writer' | 'reader'; path: string};

export type Request = {id: number; name: string; parameters: unknown[]};

/** `ready` and `unusable` come once, before any answer. */
export type Reply =
  | {t: 'ready'}
  | {t: 'unusable'; code: StoreErrorCode; message: string}
  | {t: 'answer'; id: number; value: unknown}
  | {t: 'failed'; id: number; code: StoreErrorCode; message: string};

export type StoreErrorCode =
  /** Nothing can be written now: the disk is full, or the file is on a device that fails. It may pass. */
  | 'STORE_UNAVAILABLE'
  /** The file is no database of ours, is damaged, or was written by a newer reeve. It will not pass by itself. */
  | 'STORE_UNUSABLE'
  /** More than is kept of one host. */
  | 'STORE_REFUSED'
  /** A request that the store could not carry out for a reason of its own: a bug of ours. */
  | 'STORE_BUG'
  | 'STORE_CLOSED';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * SQLite's primary result codes (https://sqlite.org/rescode.html) that say that the machine, and not the request, is at
 * fault: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
 */
const unavailable = new Set([3, 5, 6, 7, 8, 10, 13, 14]);
/** CORRUPT, NOTADB. */
const unusable = new Set([11, 26]);

/** Which kind of failure an error of `node:sqlite` is. */
export function storeErrorCode(error: unknown): StoreErrorCode {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  if (error instanceof StoreError) return error.code;
  return unavailable.has(code) ? 'STORE_UNAVAILABLE' : unusable.has(code) ? 'STORE_UNUSABLE' : 'STORE_BUG';
}

/** FULL. */
const full = 13;

/** What to say of an error of `node:sqlite` about the file `path`: with its name, unless a request of ours was wrong. */
export function storeErrorMessage(error: unknown, path: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StoreError || storeErrorCode(error) === 'STORE_BUG') return message;
  const {errcode} = error as {errcode?: number};
  const cure = (Number(errcode) & 0xff) === full ? '; make room on that file system' : '';
  return `cannot use "${path}": ${message}${cure}`;
}

import type {DatabaseSync} from 'node:sqlite';
import {StoreError, storeErrorCode, storeErrorMessage} from './errors.ts';
import type {Reply, Request} from './messages.ts';

export type Operation = (...parameters: never[]) => unknown;
export type OperationTable = {[name: string]: Operation};

/** How many requests one transaction takes at most. */
const maxGroup = 256;

/**
 * Carries out write requests, all that are waiting in one transaction: a commit waits for the disk, and a hundred
 * requests that wait together wait once. Each is a savepoint, so that one that fails takes nothing of the others with it.
 * Answers are given after the commit; when that fails, all of them fail, and nothing of them is kept.
 */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #operations: OperationTable;
  readonly #reply: (replies: Reply[]) => void;
  #waiting: Request[] = [];
  #scheduled = false;

  /** `path` is the database's, for errors. */
  constructor(database: DatabaseSync, path: string, operations: OperationTable, reply: (replies: Reply[]) => void) {
    this.#database = database;
    this.#path = path;
    this.#operations = operations;
    this.#reply = reply;
  }

  add(request: Request): void {
    this.#waiting.push(request);
    this.#schedule();
  }

  /** Commits all that waits, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#reply(this.#commit(this.#waiting.splice(0, maxGroup)));
  }

  /** After what has arrived by now was read from the port: messages that are there already join the group. */
  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#waiting.length > 0) this.#reply(this.#commit(this.#waiting.splice(0, maxGroup)));
      this.#schedule();
    });
  }

  #commit(requests: Request[]): Reply[] {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const replies = requests.map(request => this.#carryOut(request));
      this.#database.exec('COMMIT');
      return replies;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return requests.map(({id}) => failed(id, error, this.#path));
    }
  }

  #carryOut({id, name, parameters}: Request): Reply {
    this.#database.exec('SAVEPOINT request');
    try {
      const operation = Object.hasOwn(this.#operations, name) ? this.#operations[name] : undefined;
      if (operation === undefined) throw new StoreError('STORE_BUG', `the store has no operation "${name}"`);
      const value = operation(...(parameters as never[]));
      this.#database.exec('RELEASE request');
      return {t: 'answer', id, value};
    } catch (error) {
      // A full disk ends the whole transaction, and with it what the other requests wrote.
      const ofRequest = ['STORE_BUG', 'STORE_REFUSED'].includes(storeErrorCode(error));
      if (!this.#database.isTransaction || !ofRequest) throw error;
      this.#database.exec('ROLLBACK TO request');
      this.#database.exec('RELEASE request');
      return failed(id, error, this.#path);
    }
  }
}

export function failed(id: number, error: unknown, path: string): Reply {
  return {t: 'failed', id, code: storeErrorCode(error), message: storeErrorMessage(error, path)};
}

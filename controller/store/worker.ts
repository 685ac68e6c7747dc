import type {DatabaseSync} from 'node:sqlite';
import {parentPort, workerData} from 'node:worker_threads';
import {lock, openToRead, openToWrite} from './database.ts';
import {StoreError, storeErrorCode, storeErrorMessage} from './errors.ts';
import {failed, GroupCommit, type OperationTable} from './group-commit.ts';
import type {Reply, Request, WorkerSetup} from './messages.ts';
import {readOperations} from './read/index.ts';
import {tokenOperations} from './tokens.ts';
import {writeOperations} from './write/index.ts';

/** A thread of the store: the only code that opens the database. What it is asked arrives on its port (`messages.ts`). */
const port = parentPort;
if (port === null) throw new StoreError('STORE_BUG', 'this file is the start of a thread, not of a program');
const {role, path} = workerData as WorkerSetup;

const start: {[R in WorkerSetup['role']]: () => (request: Request) => void} = {
  writer() {
    const held = lock(path);
    const database = openToWrite(path);
    const operations: OperationTable = {...writeOperations(database), ...tokenOperations(database)};
    const group = new GroupCommit(database, path, operations, replies => replies.forEach(send));
    return request => {
      if (request.name !== 'close') return group.add(request);
      group.flush();
      close(request.id, database);
      held.close();
    };
  },
  reader() {
    const database = openToRead(path);
    const operations: OperationTable = readOperations(database);
    return request => (request.name === 'close' ? close(request.id, database) : send(answer(operations, request)));
  },
};

function answer(operations: OperationTable, {id, name, parameters}: Request): Reply {
  try {
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (operation === undefined) throw new StoreError('STORE_BUG', `the store has no operation "${name}"`);
    return {t: 'answer', id, value: operation(...(parameters as never[]))};
  } catch (error) {
    return failed(id, error, path);
  }
}

/** The last that is asked. */
function close(id: number, database: DatabaseSync): void {
  database.close();
  send({t: 'answer', id, value: null});
  port?.close();
}

function send(reply: Reply): void {
  port?.postMessage(reply);
}

try {
  const carryOut = start[role]();
  port.on('message', carryOut);
  send({t: 'ready'});
} catch (error) {
  send({
    t: 'unusable',
    code: storeErrorCode(error),
    message: storeErrorMessage(error, path),
  });
}

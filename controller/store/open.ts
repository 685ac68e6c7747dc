import type {StoreError} from './errors.ts';
import type {ReadOperations, TokenOperations, WriteOperations} from './operations.ts';
import type {Store} from './store.ts';
import {StoreThread} from './thread.ts';

type Writes = WriteOperations & TokenOperations;

const reads = [
  'hosts',
  'hostDetail',
  'findings',
  'changes',
  'rules',
  'totals',
  'listTokens',
  'apiToken',
] as const satisfies ReadonlyArray<keyof ReadOperations>;

const writes = [
  'host',
  'enrol',
  'join',
  'freeze',
  'rotateKey',
  'storeBatch',
  'missingDocuments',
  'keepDocument',
  'linkDocument',
  'notePresence',
  'setHostState',
  'fleet',
  'createToken',
  'revokeToken',
  'noteTokenUse',
] as const satisfies ReadonlyArray<keyof Writes>;

/**
 * Opens the store in two threads, one that writes and one that reads, so that neither a slow disk nor a long query ever
 * holds up a connection. What a connection needs is asked of the writer: a long query of the API is not before it.
 * Rejects with a `StoreError` when the file cannot be used. `onCrash` is told when a thread died; every method rejects
 * from then on, and the process had better end.
 */
export async function openStore(path: string, onCrash: (error: StoreError) => void): Promise<Store> {
  const writer = await StoreThread.start({role: 'writer', path}, onCrash);
  const reader = await StoreThread.start({role: 'reader', path}, onCrash).catch(async error => {
    await writer.close();
    throw error;
  });
  let items = 0;
  const asks = (thread: StoreThread, names: readonly string[]) =>
    Object.fromEntries(names.map(name => [name, (...parameters: unknown[]) => thread.ask(name, parameters)]));
  const methods = {...asks(reader, reads), ...asks(writer, writes)} as Pick<
    Store,
    (typeof reads)[number] | (typeof writes)[number]
  >;
  return {
    ...methods,
    async storeBatch(host, batch, receivedAt) {
      items += batch.items.length;
      try {
        return await methods.storeBatch(host, batch, receivedAt);
      } finally {
        items -= batch.items.length;
      }
    },
    async prune(before) {
      // In small steps, so that batches need not wait for a year of changes to go.
      while ((await writer.ask('prune', [before])) === true);
    },
    queue: () => ({requests: writer.waiting, items}),
    async close() {
      await writer.close();
      await reader.close();
    },
  };
}

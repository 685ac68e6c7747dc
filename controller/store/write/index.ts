import type {DatabaseSync} from 'node:sqlite';
import type {WriteOperations} from '../operations.ts';
import {storeBatchOperation} from './batch.ts';
import {documentOperations} from './documents.ts';
import {hostOperations} from './hosts.ts';
import {upkeepOperations} from './upkeep.ts';

/** Everything that the writer's thread does but for tokens. */
export function writeOperations(
  database: DatabaseSync,
): Omit<WriteOperations, 'prune'> & {prune: (before: number) => boolean} {
  return {
    ...hostOperations(database),
    ...documentOperations(database),
    ...upkeepOperations(database),
    storeBatch: storeBatchOperation(database),
  };
}

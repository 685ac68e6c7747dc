import type {DatabaseSync} from 'node:sqlite';
import type {WriteOperations} from '../operations.ts';

/** Documents by digest, and which host has which. */
export function documentOperations(
  database: DatabaseSync,
): Pick<WriteOperations, 'missingDocuments' | 'keepDocument' | 'linkDocument'> {
  const kept = database.prepare('SELECT 1 FROM document WHERE digest = ?');
  const keep = database.prepare('INSERT INTO document VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const kindOf = database.prepare('SELECT 1 FROM document WHERE digest = ? AND kind = ?');
  const link = {
    rules: database.prepare('UPDATE host SET rules_document = ? WHERE id = ?'),
    inventory: database.prepare('UPDATE host SET inventory_document = ? WHERE id = ?'),
  };
  return {
    missingDocuments: digests => digests.filter(digest => kept.get(digest) === undefined),
    keepDocument({kind, digest, bytes, body, host, now}) {
      keep.run(digest, kind, bytes, body, now);
      link[kind].run(digest, host);
    },
    linkDocument(host, kind, digest) {
      if (kindOf.get(digest, kind) !== undefined) link[kind].run(digest, host);
    },
  };
}

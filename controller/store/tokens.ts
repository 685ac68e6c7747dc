import {randomUUID} from 'node:crypto';
import type {DatabaseSync} from 'node:sqlite';
import {makeToken, tokenHash} from '../protocol/join.ts';
import type {TokenOperations} from './operations.ts';

/** A token's last use is written at most this often, so that reading with one does not write all the time. */
export const tokenUseMs = 60_000;

export function tokenOperations(database: DatabaseSync): TokenOperations {
  const insert = database.prepare(
    `INSERT INTO token (id, kind, hash, name, scope, created_at, created_by, expires_at, uses_left)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const revoke = database.prepare('UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const use = database.prepare(
    'UPDATE token SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR abs(?1 - last_used_at) >= ?3)',
  );
  return {
    createToken({kind, name, scope, expiresAt, uses, createdBy}, now) {
      const [id, token] = [randomUUID(), makeToken(kind)];
      insert.run(id, kind, tokenHash(token), name, scope, now, createdBy, expiresAt, uses);
      return {id, token};
    },
    revokeToken: (id, now) => revoke.run(now, id).changes === 1,
    noteTokenUse(id, now) {
      use.run(now, id, tokenUseMs);
    },
  };
}

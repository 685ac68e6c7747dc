import type {TokenInfo} from '../../protocol/api.ts';
import {isSameToken, isToken, tokenHash} from '../../protocol/join.ts';
import {type Reader, timeText, timeTextOrNull} from './reader.ts';

/** Who shows this token; null when it is none, or is expired or revoked. */
export function readApiToken(
  reader: Reader,
  token: string,
  now: number,
): {id: string; name: string; scope: 'read' | 'admin'} | null {
  if (!isToken('api', token)) return null;
  const row = reader
    .prepare(
      `SELECT id, hash, name, scope FROM token
      WHERE hash = ? AND kind = 'api' AND revoked_at IS NULL AND expires_at > ?`,
    )
    .get(tokenHash(token), now);
  if (row === undefined || !isSameToken(row.hash as string, token)) return null;
  return {id: row.id as string, name: row.name as string, scope: row.scope as 'read' | 'admin'};
}

/** All tokens, the newest first, without what would let anybody use them. */
export function listTokens(reader: Reader): TokenInfo[] {
  return reader
    .prepare('SELECT * FROM token ORDER BY created_at DESC, id')
    .all()
    .map(row => ({
      id: row.id as string,
      kind: row.kind as TokenInfo['kind'],
      name: row.name as string,
      scope: row.scope as TokenInfo['scope'],
      createdAt: timeText(row.created_at as number),
      createdBy: row.created_by as string,
      expiresAt: timeText(row.expires_at as number),
      usesLeft: row.uses_left as number | null,
      lastUsedAt: timeTextOrNull(row.last_used_at as number | null),
      revokedAt: timeTextOrNull(row.revoked_at as number | null),
    }));
}

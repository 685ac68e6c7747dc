import {randomUUID} from 'node:crypto';
import type {DatabaseSync} from 'node:sqlite';
import type {WriteOperations} from '../operations.ts';

/** Rows that one step of pruning removes at most. */
const pruneRows = 1_000;

/** Presence, the fleet's id, and what is removed with time. */
export function upkeepOperations(
  database: DatabaseSync,
): Pick<WriteOperations, 'notePresence' | 'fleet'> & {prune: (before: number) => boolean} {
  const present = database.prepare(`
    UPDATE host SET last_seen_at = max(coalesce(last_seen_at, 0), ?), connected_at = coalesce(?, connected_at),
      disconnected_at = coalesce(?, disconnected_at), checked_at_host = coalesce(?, checked_at_host),
      clock_skew_ms = coalesce(?, clock_skew_ms), degraded = coalesce(?, degraded), reeve = coalesce(?, reeve)
    WHERE id = ?`);
  const getFleet = database.prepare("SELECT value FROM setting WHERE name = 'fleet'");
  const setFleet = database.prepare("INSERT INTO setting VALUES ('fleet', ?)");
  const oldChanges = database.prepare(`
    DELETE FROM change WHERE (host, epoch, n, part) IN
      (SELECT host, epoch, n, part FROM change WHERE received_at < ? ORDER BY received_at LIMIT ${pruneRows})`);
  const oldGaps = database.prepare(`
    DELETE FROM gap WHERE (host, epoch, n) IN (SELECT host, epoch, n FROM gap WHERE received_at < ? LIMIT ${pruneRows})`);
  const orphans = database.prepare(`
    DELETE FROM document WHERE digest NOT IN (SELECT rules_document FROM host WHERE rules_document IS NOT NULL)
      AND digest NOT IN (SELECT inventory_document FROM host WHERE inventory_document IS NOT NULL)`);
  const oldTokens = database.prepare('DELETE FROM token WHERE expires_at < ?');

  return {
    notePresence(presence) {
      for (const one of presence) {
        present.run(
          one.seenAt,
          one.connectedAt ?? null,
          one.disconnectedAt ?? null,
          one.checkedAt === undefined ? null : JSON.stringify(one.checkedAt),
          one.clockSkewMs ?? null,
          one.degraded === undefined ? null : Number(one.degraded),
          one.reeve ?? null,
          one.host,
        );
      }
    },
    fleet() {
      const known = getFleet.get()?.value;
      if (typeof known === 'string') return known;
      const fleet = randomUUID();
      setFleet.run(fleet);
      return fleet;
    },
    /** One step; true when there is more to remove. */
    prune(before) {
      const changes = oldChanges.run(before).changes;
      const gaps = oldGaps.run(before).changes;
      orphans.run();
      oldTokens.run(before);
      return Number(changes) === pruneRows || Number(gaps) === pruneRows;
    },
  };
}

import {randomUUID} from 'node:crypto';
import type {DatabaseSync} from 'node:sqlite';
import {tokenHash} from '../../protocol/join.ts';
import {SetDigest} from '../../protocol/set-digest.ts';
import type {WriteOperations} from '../operations.ts';
import type {KnownHost} from '../store.ts';

type HostRow = {
  id: string;
  name: string;
  public_key: Uint8Array;
  previous_key: Uint8Array | null;
  state: KnownHost['state'];
  state_reason: string | null;
  join_now: string;
  join_before: string;
  epoch: number | null;
  last_n: number;
  digest: string;
  rules_document: string | null;
  inventory_document: string | null;
};

const positionOf = ({epoch, last_n}: HostRow) => (epoch === null ? null : {epoch, n: last_n});
const emptySet = new SetDigest().toString();
const clonedReason = 'two machines use its key';

/** Who the hosts are: enrolment, the rolling join value, keys and states. */
export function hostOperations(
  database: DatabaseSync,
): Pick<WriteOperations, 'host' | 'enrol' | 'join' | 'freeze' | 'rotateKey' | 'setHostState'> {
  const byId = database.prepare('SELECT * FROM host WHERE id = ?');
  const byKey = database.prepare('SELECT id, state, enrolled_by FROM host WHERE public_key = ?');
  const token = database.prepare(
    "SELECT id, uses_left FROM token WHERE hash = ? AND kind = 'enrol' AND revoked_at IS NULL AND expires_at > ?",
  );
  const use = database.prepare('UPDATE token SET uses_left = uses_left - 1, last_used_at = ? WHERE id = ?');
  const add = database.prepare(`
    INSERT INTO host (id, name, public_key, state, enrolled_at, enrolled_by, digest)
    VALUES (?, ?, ?, 'active', ?, ?, ?)`);
  const setJoin = database.prepare('UPDATE host SET join_now = ?, join_before = ? WHERE id = ?');
  const setState = database.prepare(
    "UPDATE host SET state = ?, state_reason = ?, join_now = '', join_before = '' WHERE id = ?",
  );
  const freeze = database.prepare(
    "UPDATE host SET state = 'frozen', state_reason = ? WHERE id = ? AND state = 'active'",
  );
  const setKey = database.prepare('UPDATE host SET previous_key = public_key, public_key = ? WHERE id = ?');
  const forgetFindings = database.prepare('DELETE FROM finding WHERE host = ?');
  const forgetSet = database.prepare('UPDATE host SET digest = ?, resetting_from = NULL WHERE id = ?');
  const find = (id: string) => byId.get(id) as HostRow | undefined;

  return {
    host(id) {
      const row = find(id);
      if (row === undefined) return null;
      return {
        id: row.id,
        name: row.name,
        publicKey: row.public_key,
        previousKey: row.previous_key,
        state: row.state,
        stateReason: row.state_reason,
        position: positionOf(row),
        digest: row.digest,
        documents: {rules: row.rules_document, inventory: row.inventory_document},
      };
    },

    enrol(request) {
      const good = token.get(tokenHash(request.token), request.now) as {id: string; uses_left: number} | undefined;
      if (good === undefined) return {refused: 'token'};
      const known = byKey.get(request.publicKey) as
        | {id: string; state: KnownHost['state']; enrolled_by: string}
        | undefined;
      // The one who lost the answer comes with the same key and the token that it used up.
      if (good.uses_left < 1 && known?.enrolled_by !== good.id) return {refused: 'token'};
      if (known !== undefined) return known.state === 'active' ? {id: known.id} : {refused: known.state};
      const id = randomUUID();
      use.run(request.now, good.id);
      add.run(id, request.name, request.publicKey, request.now, good.id, emptySet);
      return {id};
    },

    join(id, {shown, next}) {
      const row = find(id);
      if (row === undefined) return {state: 'unknown'};
      if (row.state !== 'active') return {state: row.state};
      // None is known before the first hello, and after an operator made the host active again.
      if (row.join_now !== '' && shown !== row.join_now && shown !== row.join_before) {
        freeze.run(clonedReason, id);
        return {state: 'cloned'};
      }
      setJoin.run(next, shown, id);
      return {state: 'joined', position: positionOf(row), digest: row.digest};
    },

    freeze(id, reason) {
      freeze.run(reason, id);
    },

    rotateKey(id, publicKey) {
      if (byKey.get(publicKey) !== undefined) return false;
      setKey.run(publicKey, id);
      return true;
    },

    setHostState(id, state, by) {
      if (find(id) === undefined) return false;
      setState.run(state, state === 'removed' ? `removed by ${by}` : null, id);
      if (state === 'removed') {
        forgetFindings.run(id);
        forgetSet.run(emptySet, id);
      }
      return true;
    },
  };
}

/** In the file's header, so that a file of somebody else is not taken for ours: "rvsp". */
export const applicationId = 0x72767370;
export const schemaVersion = 1;

/**
 * The batches that the controller has not acknowledged, in the order in which they are sent, and what must be known after
 * a restart: for whom they are (`owner`), what was acknowledged (`acknowledged`), and the `join` value.
 */
export const schema = `
  CREATE TABLE batch (
    -- Never given twice: a session remembers up to which one it has sent.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch INTEGER NOT NULL,
    "from" INTEGER NOT NULL,
    "to" INTEGER NOT NULL,
    payload BLOB NOT NULL,
    signature BLOB NOT NULL,
    stored_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * The controller's tables. One SQLite file, opened by the store's two worker threads alone (writer, reader). Every step
 * of a schema change is one entry of `migrations`; `user_version` says how many were made.
 *
 * Times are milliseconds since 1970 on the controller's clock, unless a column's name ends in `_host`: then the host's.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE host (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL UNIQUE,
    -- Before the last rotation: batches sealed with it may still come.
    previous_key BLOB,
    state TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'removed')),
    state_reason TEXT,
    enrolled_at INTEGER NOT NULL,
    enrolled_by TEXT NOT NULL,
    -- Rolling: a hello must show the newest value or the one before it (the answer may have been lost).
    join_now TEXT NOT NULL DEFAULT '',
    join_before TEXT NOT NULL DEFAULT '',
    -- The stream: which, and up to where it is committed. NULL before the first batch.
    epoch INTEGER,
    last_n INTEGER NOT NULL DEFAULT 0,
    -- Sum of the findings' digests (protocol/set-digest.ts).
    digest TEXT NOT NULL,
    -- While a whole set arrives: the number of its reset; findings touched before it go when it is settled.
    resetting_from INTEGER,
    rules_document TEXT,
    inventory_document TEXT,
    reeve TEXT NOT NULL DEFAULT '',
    -- JSON: pack to time on the host's clock.
    checked_at_host TEXT NOT NULL DEFAULT '{}',
    clock_skew_ms INTEGER,
    -- Written at most once a minute a host, and at connects and disconnects.
    last_seen_at INTEGER,
    connected_at INTEGER,
    disconnected_at INTEGER,
    degraded INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX host_by_name ON host (name, id);

  CREATE TABLE finding (
    host TEXT NOT NULL REFERENCES host (id),
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    pack TEXT NOT NULL,
    -- Its place in the list of severity.ts, so that the worst sort last.
    severity INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    -- The WireFinding as JSON, and its digest.
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- The step of the host's stream that last touched it.
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    observed_at_host INTEGER NOT NULL,
    since_host INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (host, rule, subject)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX finding_by_verdict ON finding (verdict, severity, host, rule, subject);
  CREATE INDEX finding_by_rule ON finding (rule, verdict, severity, host, subject);
  CREATE INDEX finding_by_pack ON finding (pack, verdict, severity, host, rule, subject);

  -- How many findings a host has of each kind, so that lists of hosts need not count a million rows. Write findings with
  -- ON CONFLICT DO UPDATE: INSERT OR REPLACE would not run the trigger for the row that it removes.
  CREATE TABLE host_count (
    host TEXT NOT NULL REFERENCES host (id),
    verdict TEXT NOT NULL,
    severity INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (host, verdict, severity)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER finding_added AFTER INSERT ON finding BEGIN
    INSERT INTO host_count VALUES (new.host, new.verdict, new.severity, 1)
      ON CONFLICT DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER finding_removed AFTER DELETE ON finding BEGIN
    UPDATE host_count SET count = count - 1
      WHERE host = old.host AND verdict = old.verdict AND severity = old.severity;
  END;
  CREATE TRIGGER finding_changed AFTER UPDATE OF verdict, severity ON finding
    WHEN old.verdict <> new.verdict OR old.severity <> new.severity
  BEGIN
    UPDATE host_count SET count = count - 1
      WHERE host = old.host AND verdict = old.verdict AND severity = old.severity;
    INSERT INTO host_count VALUES (new.host, new.verdict, new.severity, 1)
      ON CONFLICT DO UPDATE SET count = count + 1;
  END;

  -- What changed, a row a change: one step of one host's stream is here once or not at all. A settled step alone makes
  -- several, a part each: findings that a whole set no longer named.
  CREATE TABLE change (
    host TEXT NOT NULL REFERENCES host (id),
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    part INTEGER NOT NULL DEFAULT 0,
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- NULL: there was, or is, no such finding.
    verdict_before TEXT,
    verdict_after TEXT,
    body TEXT,
    observed_at_host INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (host, epoch, n, part)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX change_by_time ON change (received_at, host, epoch, n, part);
  CREATE INDEX change_of_verdict ON change (received_at, host, epoch, n, part)
    WHERE verdict_before IS NOT NULL AND verdict_before IS NOT verdict_after;
  CREATE INDEX change_by_rule ON change (rule, received_at, host, epoch, n, part);

  -- Steps that a host says it left out, and streams that began anew.
  CREATE TABLE gap (
    host TEXT NOT NULL REFERENCES host (id),
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (host, epoch, n)
  ) STRICT, WITHOUT ROWID;

  -- By the digest of the plain bytes; the body is a zstd frame, as it came.
  CREATE TABLE document (
    digest TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('rules', 'inventory')),
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE token (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('enrol', 'api')),
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- api: read or admin. enrol: enrol.
    scope TEXT NOT NULL CHECK (scope IN ('read', 'admin', 'enrol')),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    -- How many more hosts it may enrol; NULL for api.
    uses_left INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- How many rows the tables that only time makes smaller have: counting them would read all of them.
  CREATE TABLE total (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO total VALUES ('changes', (SELECT count(*) FROM change)), ('gaps', (SELECT count(*) FROM gap));
  CREATE TRIGGER change_added AFTER INSERT ON change BEGIN
    UPDATE total SET count = count + 1 WHERE name = 'changes';
  END;
  CREATE TRIGGER change_removed AFTER DELETE ON change BEGIN
    UPDATE total SET count = count - 1 WHERE name = 'changes';
  END;
  CREATE TRIGGER gap_added AFTER INSERT ON gap BEGIN
    UPDATE total SET count = count + 1 WHERE name = 'gaps';
  END;
  CREATE TRIGGER gap_removed AFTER DELETE ON gap BEGIN
    UPDATE total SET count = count - 1 WHERE name = 'gaps';
  END;
  `,
];

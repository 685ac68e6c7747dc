import type {DatabaseSync} from 'node:sqlite';
import type {ReadOperations} from '../operations.ts';
import {listChanges} from './changes.ts';
import {listFindings} from './findings.ts';
import {listHosts, readHost} from './hosts.ts';
import {makeReader} from './reader.ts';
import {listRules} from './rules.ts';
import {listTokens, readApiToken} from './tokens.ts';
import {readTotals} from './totals.ts';

/** What the reader's thread answers. None of it writes. */
export function readOperations(database: DatabaseSync): ReadOperations {
  const reader = makeReader(database);
  const fresh = () => {
    reader.documents.startRequest();
    return reader;
  };
  return {
    hosts: (query, now) => listHosts(fresh(), query, now),
    hostDetail: (id, now) => readHost(fresh(), id, now),
    findings: query => listFindings(fresh(), query),
    changes: query => listChanges(reader, query),
    rules: query => listRules(fresh(), query),
    totals: now => readTotals(reader, now),
    listTokens: () => listTokens(reader),
    apiToken: (token, now) => readApiToken(reader, token, now),
  };
}

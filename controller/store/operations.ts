import type {Store} from './store.ts';

type Operations<N extends keyof Store> = {
  [K in N]: (...parameters: Parameters<Store[K]>) => Awaited<ReturnType<Store[K]>>;
};

/** What the reader's thread answers: `read/index.ts` exports `readOperations(database): ReadOperations`. */
export type ReadOperations = Operations<
  'hosts' | 'hostDetail' | 'findings' | 'changes' | 'rules' | 'totals' | 'listTokens' | 'apiToken'
>;

/**
 * What the writer's thread does of tokens: `tokens.ts` exports `tokenOperations(database): TokenOperations`. Each call is
 * a savepoint of a transaction that others share, so it must neither begin nor commit one.
 */
export type TokenOperations = Operations<'createToken' | 'revokeToken' | 'noteTokenUse'>;

/** What else the writer's thread does. */
export type WriteOperations = Operations<
  | 'host'
  | 'enrol'
  | 'join'
  | 'freeze'
  | 'rotateKey'
  | 'storeBatch'
  | 'missingDocuments'
  | 'keepDocument'
  | 'linkDocument'
  | 'notePresence'
  | 'setHostState'
  | 'fleet'
  | 'prune'
>;

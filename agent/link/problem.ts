import {type CloseName, closeCodes} from '../../controller/protocol/close-codes.ts';

/** Every reason for which the link does not report, beside those that a controller gives (close-codes.ts); docs/link.md has each. */
export const ownProblems = [
  'AGENT_AWAY',
  'AGENT_REFUSED',
  'BATCH_REFUSED',
  'CLOSED',
  'FLEET_MISMATCH',
  'NAME_UNRESOLVED',
  'NOT_A_CONTROLLER',
  'PIN_MISMATCH',
  'PROXY_INVALID',
  'PROXY_REFUSED',
  'SILENT',
  'SPOOL_FULL',
  'SPOOL_UNUSABLE',
  'TCP_FAILED',
  'TCP_REFUSED',
  'TCP_TIMEOUT',
  'TLS_FAILED',
  'TLS_TIMEOUT',
  'TLS_TOO_OLD',
] as const;
export type ProblemCode = (typeof ownProblems)[number] | CloseName;

/** Why the link cannot go on with what it was doing. The message says what was done, found and wanted. */
export class LinkProblem extends Error {
  override readonly name = 'LinkProblem';
  readonly code: ProblemCode;
  /** What the other side asked to be waited, milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(code: ProblemCode, message: string, options: {cause?: unknown; retryAfterMs?: number | null} = {}) {
    super(message, options.cause === undefined ? {} : {cause: options.cause});
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Whether trying again soon makes sense; otherwise a person has to act first. */
export const isWorthRetrying = (code: ProblemCode): boolean =>
  Object.hasOwn(closeCodes, code) ? closeCodes[code as CloseName].retry : true;

/** Printable and short, for logs and status: what a stranger wrote may stand in it. */
export const shorten = (text: string, max = 400): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, max);

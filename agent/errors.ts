import type {Problem} from '../policies/load/problem.ts';

/** Every code that a `ReeveError` can have; docs/errors.md has an entry for each. */
export const errorCodes = [
  'REEVE_AGENT_RUNNING',
  'REEVE_AGENT_UNREACHABLE',
  'REEVE_ATTESTATIONS_INVALID',
  'REEVE_BUG',
  'REEVE_BUNDLE_UNUSABLE',
  'REEVE_CONFIG_INVALID',
  'REEVE_CONTROLLER_REFUSED',
  'REEVE_CONTROLLER_UNREACHABLE',
  'REEVE_ENROLLED_ALREADY',
  'REEVE_ENROL_FAILED',
  'REEVE_LOAD_FAILED',
  'REEVE_PACK_INVALID',
  'REEVE_PACK_UNREADABLE',
  'REEVE_ROOT_UNUSABLE',
  'REEVE_RULE_UNKNOWN',
  'REEVE_STATE_UNUSABLE',
  'REEVE_TICKET_INVALID',
  'REEVE_UP_FAILED',
  'REEVE_UP_RUNNING',
  'REEVE_UP_STATE',
  'REEVE_USAGE',
  'REEVE_WAIVERS_INVALID',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/**
 * A failure with a stable code. The message says what was being done, what was found and what was wanted, in lower
 * case without a full stop; the inner error stays in `cause`. `problems` are the places in files, when it is about files.
 */
export class ReeveError extends Error {
  override readonly name = 'ReeveError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: {cause?: unknown; problems?: readonly Problem[]} = {}) {
    super(message, options.cause === undefined ? {} : {cause: options.cause});
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

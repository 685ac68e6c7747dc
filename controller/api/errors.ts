/** Every refusal of the API: its HTTP status and what it means. docs/api.md has an entry for each. */
export const apiErrors = {
  BAD_QUERY: {status: 400, text: 'the query has an unknown key, or a value that is not allowed'},
  BAD_CURSOR: {status: 400, text: 'the cursor is none that a page of this kind gave'},
  BAD_BODY: {status: 400, text: 'the body is no JSON, or has not the shape that is wanted'},
  TOKEN_MISSING: {status: 401, text: 'the request has no Authorization header with a bearer token'},
  TOKEN_REFUSED: {status: 401, text: 'the token is unknown, expired or revoked, or is for enrolment'},
  SCOPE_TOO_SMALL: {status: 403, text: 'the token may read, and this needs one with the scope admin'},
  ORIGIN_REFUSED: {status: 403, text: 'the request comes from a page of another site'},
  NOT_FOUND: {status: 404, text: 'there is nothing under this path'},
  HOST_UNKNOWN: {status: 404, text: 'there is no host with this id'},
  TOKEN_UNKNOWN: {status: 404, text: 'there is no token with this id, or it was revoked before'},
  METHOD_NOT_ALLOWED: {status: 405, text: 'the path is right and the method is not; Allow says which are'},
  BODY_TOO_SLOW: {status: 408, text: 'the body did not arrive in time'},
  HOST_REMOVED: {status: 409, text: 'the host was removed, which is for ever: enrol it anew'},
  BODY_TOO_LARGE: {status: 413, text: 'the body has more bytes than are taken'},
  BODY_TYPE: {status: 415, text: 'the body is not declared as application/json'},
  NAME_REFUSED: {status: 421, text: 'the Host header names something that this controller is not called'},
  TOO_MANY_ATTEMPTS: {
    status: 429,
    text: 'too many tokens from this address were wrong; Retry-After says when to go on',
  },
  BUG: {status: 500, text: 'a bug of reeve; the log of the controller says more'},
  UNAVAILABLE: {status: 503, text: 'the controller cannot reach its database now'},
} as const satisfies {[code: string]: {status: number; text: string}};
export type ApiErrorCode = keyof typeof apiErrors;

/** Ends a request. The message may say more than the code's own text; it holds no input but `quoted`. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: ApiErrorCode;
  readonly headers: {[name: string]: string};

  constructor(code: ApiErrorCode, message: string = apiErrors[code].text, headers: {[name: string]: string} = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

export function failureResponse({code, message, headers}: ApiFailure): Response {
  return jsonResponse({error: {code, message}}, apiErrors[code].status, headers);
}

export function jsonResponse(body: unknown, status = 200, headers: {[name: string]: string} = {}): Response {
  return new Response(JSON.stringify(body), {status, headers: {...headers, 'Content-Type': 'application/json'}});
}

const maxQuoted = 60;

/** What a client sent, as a message may repeat it: printable ASCII, short, in quotes. */
export function quoted(text: string): string {
  const cut = text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text;
  return `"${cut.replace(/[^\x20-\x7e…]|["\\<>&]/gu, char => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)}"`;
}

import {newToken, type TokenInfo, tokenList} from '../../controller/protocol/api.ts';
import {ReeveError} from '../errors.ts';
import {printable} from '../host/names.ts';
import {alignTable, clip, painter} from '../report/text.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';
import {type ControllerOptions, controllerOf} from './places.ts';

export type TokenOptions = ControllerOptions & {
  kind: string;
  name: string;
  expires?: string;
  uses?: string;
  scope?: string;
  json?: boolean;
};

/** Seconds. */
const defaultLife = {enroll: '1h', api: '30d'} as const;

/** `reeve token create`: prints the secret, this once, alone on standard output, so that it can be piped on. */
export async function createToken(options: TokenOptions, io: Io): Promise<ExitStatus> {
  const {name, uses, scope} = options;
  const enrol = options.kind === 'enroll';
  if (enrol && scope !== undefined) throw new ReeveError('REEVE_USAGE', '--scope is for tokens of kind api');
  if (!enrol && uses !== undefined) throw new ReeveError('REEVE_USAGE', '--uses is for tokens of kind enroll');
  const request = {
    name,
    expiresIn: seconds(options.expires ?? defaultLife[enrol ? 'enroll' : 'api'], enrol ? 3600 : 366 * 86_400),
    ...(enrol ? {kind: 'enrol', uses: usesOf(uses ?? '1')} : {kind: 'api', scope: scope ?? 'read'}),
  };
  const controller = await controllerOf(options, io);
  const made = await controller.post('/api/v1/tokens', newToken, request);
  if (options.json) io.out(`${JSON.stringify(made, null, 2)}\n`);
  else {
    io.out(`${printable(made.ticket ?? made.token)}\n`);
    io.err(
      `reeve: hint: it is good until ${printable(made.expiresAt)}; reeve token revoke ${printable(made.id)} ends it\n`,
    );
    if (enrol) io.err('reeve: hint: give the line above to reeve enroll on the host, on its standard input\n');
  }
  return exitStatus.ok;
}

/** `reeve token list`: every token that was made, never the secrets. */
export async function listTokens(options: ControllerOptions & {json?: boolean}, io: Io): Promise<ExitStatus> {
  const controller = await controllerOf(options, io);
  const {tokens} = await controller.get('/api/v1/tokens', tokenList);
  if (options.json) {
    const safe = (_key: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);
    io.out(`${JSON.stringify({tokens}, safe, 2)}\n`);
    return exitStatus.ok;
  }
  if (tokens.length === 0) {
    io.out('No tokens.\n');
    return exitStatus.ok;
  }
  const now = Date.now();
  const rows = tokens.map(token => [
    printable(token.id),
    token.kind === 'enrol' ? 'enroll' : token.scope,
    stateOf(token, now),
    token.expiresAt.slice(0, 16).replace('T', ' '),
    printable(token.name),
  ]);
  const [head, ...body] = alignTable(['id', 'for', 'state', 'expires (UTC)', 'name'], rows);
  io.out(`${painter(io.colour)('bold', head as string)}\n`);
  for (const line of body) io.out(`${clip(line, io.columns)}\n`);
  return exitStatus.ok;
}

/** `reeve token revoke`: it is good no longer, from the next request on. */
export async function revokeToken(
  id: string,
  options: ControllerOptions & {json?: boolean},
  io: Io,
): Promise<ExitStatus> {
  const controller = await controllerOf(options, io);
  await controller.delete(`/api/v1/tokens/${encodeURIComponent(id)}`);
  io.out(options.json ? `${JSON.stringify({revoked: id})}\n` : `${id} is revoked.\n`);
  return exitStatus.ok;
}

function stateOf({revokedAt, expiresAt, usesLeft}: TokenInfo, now: number): string {
  if (revokedAt !== null) return 'revoked';
  if (Date.parse(expiresAt) <= now) return 'expired';
  if (usesLeft === 0) return 'used';
  return usesLeft === null ? 'good' : `good for ${usesLeft}`;
}

const unitSeconds: {[unit: string]: number} = {s: 1, m: 60, h: 3600, d: 86_400};

function seconds(text: string, most: number): number {
  const [, number = '', unit = ''] = /^(\d{1,8})([smhd])$/.exec(text) ?? [];
  const value = Number(number) * (unitSeconds[unit] ?? Number.NaN);
  if (value >= 60 && value <= most) return value;
  throw new ReeveError(
    'REEVE_USAGE',
    `"${text}" is no life for this token: a number with s, m, h or d, from 60s to ${most === 3600 ? '1h' : '366d'}, is wanted`,
  );
}

function usesOf(text: string): number {
  const uses = Number(text);
  if (Number.isInteger(uses) && uses >= 1 && uses <= 10_000) return uses;
  throw new ReeveError('REEVE_USAGE', `"${text}" is no number of hosts: 1 to 10000 is wanted`);
}

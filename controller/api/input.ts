import type {Static, TObject, TSchema} from 'typebox';
import {Value} from 'typebox/value';
import {parseJson} from '../protocol/codec.ts';
import {type ApiErrorCode, ApiFailure, quoted} from './errors.ts';

export const maxBodyBytes = 16 * 1024;
export const bodyMs = 10_000;

/** The keys of a query as the schema wants them: lists are given by repeating a key, numbers in decimal. */
export function readQuery<S extends TObject>(schema: S, search: URLSearchParams): Static<S> {
  const found: {[key: string]: unknown} = {};
  for (const [key, text] of search) {
    const property = Object.hasOwn(schema.properties, key) ? (schema.properties[key] as {type?: string}) : undefined;
    if (property === undefined) {
      const known = Object.keys(schema.properties);
      const wanted = known.length === 0 ? 'none is known here' : `${known.join(', ')} are known`;
      throw new ApiFailure('BAD_QUERY', `unknown query key ${quoted(key)}: ${wanted}`);
    }
    const value = property.type === 'integer' && /^\d{1,9}$/.test(text) ? Number(text) : text;
    if (property.type === 'array') found[key] = [...((found[key] as unknown[] | undefined) ?? []), value];
    else if (Object.hasOwn(found, key)) throw new ApiFailure('BAD_QUERY', `query key "${key}" is given twice`);
    else found[key] = value;
  }
  return checked(schema, found, 'BAD_QUERY', 'query key');
}

/** The JSON of a body. At most `maxBodyBytes`, and no longer than `timeoutMs` under way. */
export async function readBody<S extends TObject>(
  schema: S,
  request: Request,
  timeoutMs: number = bodyMs,
): Promise<Static<S>> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ApiFailure('BODY_TYPE');
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge();
  const value = parseJson(await readText(request, timeoutMs));
  if (typeof value !== 'object' || value === null) throw new ApiFailure('BAD_BODY', 'the body is no JSON object');
  return checked(schema, value, 'BAD_BODY', 'field');
}

async function readText(request: Request, timeoutMs: number): Promise<string> {
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return '';
  const {promise: late, reject} = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new ApiFailure('BODY_TOO_SLOW')), timeoutMs);
  const chunks: Uint8Array[] = [];
  try {
    for (let bytes = 0; ; ) {
      const {done, value} = await Promise.race([reader.read(), late]);
      if (done) return Buffer.concat(chunks).toString('utf8');
      bytes += value.length;
      if (bytes > maxBodyBytes) throw tooLarge();
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}

const tooLarge = () => new ApiFailure('BODY_TOO_LARGE', `a body has at most ${maxBodyBytes} bytes`);

function checked<S extends TSchema>(schema: S, value: unknown, code: ApiErrorCode, what: string): Static<S> {
  if (Value.Check(schema, value)) return value;
  const [error] = Value.Errors(schema, value);
  const path = (error?.instancePath ?? '').slice(1).split('/');
  const [first = '', place] = path;
  const name = first === '' ? '' : ` ${quoted(first)}${place === undefined ? '' : `, value ${Number(place) + 1}`}`;
  throw new ApiFailure(code, `${what}${name}: ${describe(error)}`);
}

/** What a schema asks for, in a few words. */
function describe(error: {keyword: string; message: string; params: object} | undefined): string {
  if (error === undefined) return 'not allowed';
  const {keyword, message, params} = error;
  if (keyword === 'boolean' || keyword === 'additionalProperties') return 'unknown';
  if (keyword === 'required' && 'requiredProperties' in params) {
    return `${(params.requiredProperties as string[]).map(name => `"${name}"`).join(', ')} missing`;
  }
  if (keyword === 'enum' && 'allowedValues' in params) {
    return `one of ${(params.allowedValues as string[]).join(', ')} wanted`;
  }
  return message;
}

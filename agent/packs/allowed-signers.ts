import {decodeBase64, readSshPublicKey} from '../../controller/protocol/sshsig.ts';
import {matchesPattern} from '../../policies/pattern.ts';

/** One usable line of an allowed-signers file. */
export type AllowedSigner = {
  /** The principals as written: who may sign. */
  who: string;
  publicKey: Buffer;
  /** Null: for any purpose. */
  namespaces: string[] | null;
  validAfterMs: number;
  validBeforeMs: number;
};

const linePattern =
  /^(?:"([^"]+)"|(\S+))\s+(?:((?:[A-Za-z-]+(?:="[^"]*")?)(?:,[A-Za-z-]+(?:="[^"]*")?)*)\s+)?(ssh-\S+|ecdsa-\S+)\s+([A-Za-z0-9+/=]+)(?:\s.*)?$/;
const maxLines = 1000;
const maxLineLength = 16 * 1024;

/**
 * The lines of allowed_signers(5), ssh-keygen(1), that we can hold a signature against, with what is wrong with the
 * others. A subset: no certificates (`cert-authority`), no negated patterns, and times need their `Z`, since those
 * without depend on who reads them. A line that is not understood lets nobody sign.
 */
export function parseAllowedSigners(text: string): {
  signers: AllowedSigner[];
  problems: Array<{line: number; message: string}>;
} {
  const signers: AllowedSigner[] = [];
  const problems: Array<{line: number; message: string}> = [];
  const lines = text.split('\n');
  if (lines.length > maxLines) problems.push({line: maxLines, message: `only the first ${maxLines} lines are read`});
  for (const [index, line] of lines.slice(0, maxLines).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const signer = parseLine(line.trim());
    if (typeof signer === 'string') problems.push({line: index + 1, message: signer});
    else signers.push(signer);
  }
  return {signers, problems};
}

function parseLine(line: string): AllowedSigner | string {
  const match = line.length > maxLineLength ? null : linePattern.exec(line);
  if (match === null) return 'principals, options, a key type and a key are wanted';
  const [, quoted, plain, options = '', type, encoded] = match;
  const publicKey = decodeBase64(encoded as string);
  if (publicKey === null) return 'the key is not exact base64';
  const key = readSshPublicKey(publicKey);
  if (!key.ok) return key.reason;
  if (key.value.type !== type) return `the key is of type "${key.value.type}", not "${type}"`;
  const signer: AllowedSigner = {
    who: quoted ?? (plain as string),
    publicKey,
    namespaces: null,
    validAfterMs: Number.NEGATIVE_INFINITY,
    validBeforeMs: Number.POSITIVE_INFINITY,
  };
  for (const [, name, value] of options.matchAll(/([A-Za-z-]+)(?:="([^"]*)")?/g)) {
    const problem = applyOption(signer, (name as string).toLowerCase(), value);
    if (problem !== null) return problem;
  }
  return signer;
}

function applyOption(signer: AllowedSigner, name: string, value: string | undefined): string | null {
  if (value === undefined) return `option "${name}" is not supported here`;
  switch (name) {
    case 'namespaces': {
      const patterns = value.split(',').map(pattern => pattern.trim());
      if (patterns.some(pattern => pattern === '' || pattern.startsWith('!'))) return 'a namespace is empty or negated';
      signer.namespaces = patterns;
      return null;
    }
    case 'valid-after':
    case 'valid-before': {
      const ms = parseTimestamp(value);
      if (ms === null) return `${name} is "${value}": a UTC time such as "20270331000000Z" is wanted`;
      if (name === 'valid-after') signer.validAfterMs = ms;
      else signer.validBeforeMs = ms;
      return null;
    }
    default:
      return `option "${name}" is not supported here`;
  }
}

/** YYYYMMDD[HHMM[SS]]Z */
function parseTimestamp(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z$/.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00'] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(iso);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === iso ? ms : null;
}

/** Whether the line lets its key sign for this purpose now, or why not. */
export function mayNotSign(signer: AllowedSigner, namespace: string, nowMs: number): string | null {
  if (signer.namespaces !== null && !signer.namespaces.some(pattern => matchesPattern(pattern, namespace))) {
    return `the key of ${signer.who} is not for "${namespace}"`;
  }
  if (nowMs < signer.validAfterMs) return `the key of ${signer.who} is not valid yet`;
  if (nowMs >= signer.validBeforeMs) return `the key of ${signer.who} is no longer valid`;
  return null;
}

import {createHash} from 'node:crypto';
import {parseSshSignature, verifySshSignature} from '../../controller/protocol/sshsig.ts';
import {mayNotSign, parseAllowedSigners} from './allowed-signers.ts';

export type PackSigning =
  | {signed: true /** The principals of the trusted key's line. */; by: string}
  | {signed: false; reason: string};

/** The purpose that signatures of packs name: `ssh-keygen -Y sign -n reeve-pack`. */
export const packNamespace = 'reeve-pack';

/**
 * What is signed: `reeve-pack-1`, then a line for each file of the pack as sha256sum(1) writes it, sorted by bytes.
 * In a shell: `{ echo reeve-pack-1; sha256sum *.yaml | LC_ALL=C sort; } | ssh-keygen -Y sign -n reeve-pack -f KEY > pack.sig`.
 */
export function packManifest(files: ReadonlyArray<{name: string; text: string}>): string {
  const lines = files.map(({name, text}) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`);
  return `reeve-pack-1\n${lines.sort().join('')}`;
}

/**
 * Whether a key that this host trusts (`keysText`, allowed_signers(5)) signed exactly these files. Pure: whoever reads
 * the files must see to it that only root can change the list of keys.
 */
export function isPackSigned(
  files: ReadonlyArray<{name: string; text: string}>,
  signatureText: string | null,
  keysText: string | null,
  nowMs: number,
): PackSigning {
  if (signatureText === null) return unsigned('it has no pack.sig');
  if (keysText === null) return unsigned('this host trusts no keys for packs');
  const odd = files.find(({name}) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name));
  if (odd !== undefined) return unsigned(`"${odd.name}" is no name for a file of a signed pack`);
  if (new Set(files.map(({name}) => name)).size !== files.length)
    return unsigned('two of its files have the same name');
  const parsed = parseSshSignature(signatureText);
  if (!parsed.ok) return unsigned(parsed.reason);
  const {signers, problems} = parseAllowedSigners(keysText);
  const owners = signers.filter(({publicKey}) => publicKey.equals(parsed.value.publicKey));
  if (owners.length === 0) {
    const broken =
      problems.length === 0 ? '' : `; line ${problems[0]?.line} of the keys cannot be used: ${problems[0]?.message}`;
    return unsigned(`its key is none that this host trusts${broken}`);
  }
  const refusals = owners.map(owner => mayNotSign(owner, packNamespace, nowMs));
  const owner = owners[refusals.indexOf(null)];
  if (owner === undefined) return unsigned(refusals[0] as string);
  const verified = verifySshSignature(parsed.value, Buffer.from(packManifest(files)), packNamespace);
  return verified.ok ? {signed: true, by: owner.who} : unsigned(verified.reason);
}

const unsigned = (reason: string): PackSigning => ({signed: false, reason});

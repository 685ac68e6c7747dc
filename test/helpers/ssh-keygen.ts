import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export const keyTypes = [['ed25519'], ['ecdsa', '256'], ['ecdsa', '384'], ['ecdsa', '521'], ['rsa', '2048']] as const;

/** A folder in which the real ssh-keygen(1) makes keys and signatures. */
export class SshKeygen {
  readonly folder = mkdtempSync(join(tmpdir(), 'reeve-ssh-'));

  remove(): void {
    rmSync(this.folder, {recursive: true, force: true});
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content, {mode: 0o600});
    return path;
  }

  /** Makes a key; gives `type base64`, as an allowed-signers line wants it. */
  key(name: string, [type, bits]: readonly [type: string, bits?: string]): string {
    const size = bits === undefined ? [] : ['-b', bits];
    this.#run(['-q', '-t', type, ...size, '-N', '', '-C', 'a comment', '-f', join(this.folder, name)]);
    return readFileSync(join(this.folder, `${name}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  }

  sign(key: string, message: string | Uint8Array, options: {namespace?: string; hash?: string} = {}): string {
    const {namespace = 'reeve-pack', hash = 'sha512'} = options;
    return this.#run(['-Y', 'sign', '-n', namespace, '-O', `hashalg=${hash}`, '-f', join(this.folder, key)], message);
  }

  /** Whether ssh-keygen itself accepts the signature. */
  verifies(
    allowed: string,
    who: string,
    signature: string,
    message: string | Uint8Array,
    namespace = 'reeve-pack',
  ): boolean {
    const [keys, signed] = [this.write('allowed', allowed), this.write('signature', signature)];
    try {
      this.#run(['-Y', 'verify', '-n', namespace, '-I', who, '-f', keys, '-s', signed], message);
      return true;
    } catch {
      return false;
    }
  }

  #run(args: string[], input: string | Uint8Array = ''): string {
    return execFileSync('/usr/bin/ssh-keygen', args, {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: 20_000,
    });
  }
}

import {linesOf} from '../reader.ts';

/** What a GRUB configuration says about who may change what is booted. Hashes are left out. */
export type GrubLine = {key: 'superusers' | 'password'; value: string; line: number};

/**
 * `set superusers=`, `password` and `password_pbkdf2` of grub.cfg, and `GRUB2_PASSWORD=` of user.cfg. What stands in
 * Red Hat's `if [ -n "${GRUB2_PASSWORD}" ]` counts only with `hasUserPassword`. Source: GRUB manual, Security.
 */
export function parseGrubPasswords(text: string, hasUserPassword: boolean): GrubLine[] {
  const found: GrubLine[] = [];
  let conditional = false;
  for (const {line: raw, number} of linesOf(text)) {
    const line = raw.trim();
    if (/^if\b.*\$\{?GRUB2_PASSWORD/.test(line)) conditional = true;
    else if (line === 'fi') conditional = false;
    if (conditional && !hasUserPassword) continue;
    const users = /^(?:set\s+)?superusers=(.*)$/.exec(line);
    const password = /^(password_pbkdf2|password)\s+\S+\s+(\S+)/.exec(line);
    const own = /^GRUB2_PASSWORD=(\S+)/.exec(line);
    if (users !== null)
      found.push({key: 'superusers', value: (users[1] as string).replace(/["']/g, '').trim(), line: number});
    if (password !== null)
      found.push({key: 'password', value: password[1] === 'password' ? 'plain' : 'pbkdf2', line: number});
    if (own !== null)
      found.push({key: 'password', value: own[1]?.startsWith('grub.pbkdf2') ? 'pbkdf2' : 'plain', line: number});
  }
  return found;
}

/** Whether a user.cfg sets a password. */
export const setsUserPassword = (text: string): boolean => /^GRUB2_PASSWORD=\S/m.test(text);

import {open, rename, unlink} from 'node:fs/promises';
import {dirname} from 'node:path';

/**
 * Replaces a file as a whole: whoever reads it finds the old bytes or the new ones, also after a loss of power. Rejects
 * with the file's name in the message, and the system's `code`.
 */
export async function writeAtomic(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    const {code, message} = error as NodeJS.ErrnoException;
    throw Object.assign(new Error(`cannot write "${path}": ${message}${cureOf(code)}`, {cause: error}), {code});
  }
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

/** What to do about a file that cannot be written, to follow on the reason; empty when that says it all. */
export const cureOf = (code: string | undefined): string =>
  code === 'ENOSPC' || code === 'EDQUOT' ? '; make room on that file system' : '';

import type {Entry} from './entry.ts';

type State =
  | 'before-key'
  | 'key'
  | 'before-value'
  | 'value'
  | 'escape'
  | 'single'
  | 'double'
  | 'double-escape'
  | 'comment'
  | 'comment-escape';

/**
 * A file of `NAME=value` lines with the quoting that systemd.exec(5) gives for EnvironmentFile=, which a shell reads
 * alike: quotes and backslashes are taken off, an escaped line end joins lines, and nothing is expanded. `export` before
 * a name is left out.
 */
export function parseEnv(text: string): Entry[] {
  const entries: Entry[] = [];
  let state: State = 'before-key';
  let [line, keyLine, key, value, kept] = [1, 1, '', '', 0];
  const push = () => {
    const name = key.trim().replace(/^export[ \t]+/, '');
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      entries.push({
        section: '',
        key: name,
        value: value.slice(0, Math.max(kept, value.trimEnd().length)),
        line: keyLine,
      });
    [key, value, kept] = ['', '', 0];
    state = 'before-key';
  };
  /** Adds a character that trailing white space in it must not be cut from. */
  const keep = (character: string) => {
    value += character;
    kept = value.length;
  };
  for (const character of text) {
    const ends = character === '\n' || character === '\r';
    if (character === '\n') line++;
    switch (state) {
      case 'before-key':
        if (character === '#' || character === ';') state = 'comment';
        else if (!/\s/.test(character)) [state, key, keyLine] = ['key', character, line];
        break;
      case 'key':
        if (ends) [state, key] = ['before-key', ''];
        else if (character === '=') state = 'before-value';
        else key += character;
        break;
      case 'before-value':
      case 'value':
        if (ends) push();
        else if (character === '\\') state = 'escape';
        else if (state === 'before-value' && character === "'") state = 'single';
        else if (state === 'before-value' && character === '"') state = 'double';
        else if (state === 'value' || !/\s/.test(character)) {
          state = 'value';
          value += character;
        }
        break;
      case 'escape':
        if (!ends) keep(character);
        state = 'value';
        break;
      case 'single':
        if (character === "'") state = 'before-value';
        else keep(character);
        break;
      case 'double':
        if (character === '"') state = 'before-value';
        else if (character === '\\') state = 'double-escape';
        else keep(character);
        break;
      case 'double-escape':
        if (/["\\`$]/.test(character)) keep(character);
        else if (character !== '\n') keep(`\\${character}`);
        state = 'double';
        break;
      case 'comment':
        if (character === '\\') state = 'comment-escape';
        else if (ends) state = 'before-key';
        break;
      case 'comment-escape':
        state = 'comment';
        break;
    }
  }
  if (state !== 'before-key' && state !== 'key' && state !== 'comment' && state !== 'comment-escape') push();
  return entries;
}

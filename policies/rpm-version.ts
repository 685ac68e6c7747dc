/**
 * Orders two rpm versions, `[epoch:]version[-release]`, as rpm does: a missing epoch is 0, and a missing release
 * sorts before any. Source: rpm-version(7).
 */
export function compareRpmVersions(a: string, b: string): number {
  const left = splitRpmVersion(a);
  const right = splitRpmVersion(b);
  return (
    compareNumbers(left.epoch, right.epoch) ||
    compareRpmPart(left.version, right.version) ||
    compareReleases(left.release, right.release)
  );
}

function compareReleases(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compareRpmPart(a, b);
}

/** The epoch as its digits, without leading zeros and never empty. */
export function splitRpmVersion(text: string): {epoch: string; version: string; release: string | null} {
  const colon = text.indexOf(':');
  const hasEpoch = colon > 0 && /^\d+$/.test(text.slice(0, colon));
  const epoch = hasEpoch ? text.slice(0, colon).replace(/^0+(?=\d)/, '') : '0';
  const rest = hasEpoch ? text.slice(colon + 1) : text;
  const dash = rest.lastIndexOf('-');
  return dash < 0
    ? {epoch, version: rest, release: null}
    : {epoch, version: rest.slice(0, dash), release: rest.slice(dash + 1)};
}

/**
 * Orders two versions or two releases: runs of digits as numbers, runs of letters as text, a number above letters,
 * everything else only parts them. `~` sorts before the end, `^` after the end but before anything else.
 */
export function compareRpmPart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while (i < a.length && kindOf(a, i) === 'separator') i++;
    while (j < b.length && kindOf(b, j) === 'separator') j++;
    const [left, right] = [kindOf(a, i), kindOf(b, j)];
    if (left === 'tilde' || right === 'tilde') {
      if (left !== right) return left === 'tilde' ? -1 : 1;
    } else if (left === 'caret' || right === 'caret') {
      if (left !== right) return left === 'end' || (left === 'caret' && right !== 'end') ? -1 : 1;
    } else {
      if (left === 'end' || right === 'end') break;
      if (left !== right) return left === 'digit' ? 1 : -1;
      const [endA, endB] = [runEnd(a, i, left), runEnd(b, j, left)];
      const order = compareRuns(a.slice(i, endA), b.slice(j, endB), left);
      if (order !== 0) return order;
      [i, j] = [endA, endB];
      continue;
    }
    i++;
    j++;
  }
  return Number(i < a.length) - Number(j < b.length);
}

type CharacterKind = 'digit' | 'letter' | 'tilde' | 'caret' | 'separator' | 'end';

function kindOf(text: string, index: number): CharacterKind {
  if (index >= text.length) return 'end';
  const code = text.charCodeAt(index);
  if (code >= 48 && code <= 57) return 'digit';
  if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122)) return 'letter';
  return code === 126 ? 'tilde' : code === 94 ? 'caret' : 'separator';
}

function runEnd(text: string, start: number, kind: CharacterKind): number {
  let end = start;
  while (kindOf(text, end) === kind) end++;
  return end;
}

function compareRuns(a: string, b: string, kind: CharacterKind): number {
  if (kind === 'digit') return compareNumbers(a.replace(/^0+/, ''), b.replace(/^0+/, ''));
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Digits without leading zeros, of any length. */
function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

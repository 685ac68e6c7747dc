import type {Answer} from '../../policies/facts/answer.ts';
import type {PendingUpdate, StaleProcess, UpdatesFact} from '../../policies/facts/patch.ts';
import {printable} from '../host/names.ts';
import type {PatchState} from '../patch.ts';
import {labelled} from '../report/text.ts';

const dayMs = 86_400_000;
const maxPathsShown = 5;

/** `reeve patch` as lines of text, section by section. What came from the host is made printable here. */
export function renderPatch(state: PatchState, columns: number): string[] {
  const page = new Page(columns);
  section(page, 'Updates', state.updates, value => showUpdates(page, value, state));
  section(page, 'Metadata', state.updates, value => showMetadata(page, value, state.now));
  section(page, 'Reboot and kernel', state.reboot, value => {
    page.row('reboot', value.required === null ? 'not known' : value.required ? 'required' : 'not required');
    for (const reason of value.reasons) page.row('because', reason);
    page.row('running', `${value.runningKernel}${value.bootedAt === null ? '' : `, since ${value.bootedAt}`}`);
    page.row('installed', value.newestInstalledKernel ?? 'not known');
    if (value.bootDefault !== null) page.row('next boot', value.bootDefault);
    if (value.livePatches.length > 0) page.row('patched', value.livePatches.join(', '));
    for (const note of value.notes) page.row('note', note);
  });
  section(page, 'Services on deleted libraries', state.staleLibraries, ({stale, scanned, unreadable}) => {
    if (stale.length === 0) page.line(`none of ${scanned} processes that were looked at`);
    for (const [unit, processes] of Map.groupBy(stale, process => process.unit ?? process.name))
      showService(page, unit, processes);
    if (unreadable.length > 0)
      page.line(
        `${unreadable.length === 1 ? 'a process' : `${unreadable.length} processes`} could not be looked at: ${unreadable[0]?.reason}`,
      );
  });
  section(page, 'Support', state.support, ({release, phases, source, asOf}) => {
    page.row('release', release);
    for (const {kind, ends} of phases) page.row(kind, `${remaining(ends, state.now)}, ${ends}`);
    page.row('by', asOf === null ? source : `${source} of ${asOf}`);
  });
  section(page, 'Automatic updates', state.autoUpdates, ({mechanism, steps}) => {
    const failing = steps.filter(({ok}) => ok !== true);
    page.line(
      `${mechanism}: ${failing.length === 0 ? 'installs security updates' : 'does not surely install security updates'}`,
    );
    for (const {what, expected, actual, where} of failing)
      page.row('step', `${what}: found ${actual}, wanted ${expected} (${where})`);
  });
  return page.lines.slice(1);
}

class Page {
  readonly lines: string[] = [];
  readonly #columns: number;

  constructor(columns: number) {
    this.#columns = columns;
  }

  title(text: string): void {
    this.lines.push('', text);
  }

  line(text: string): void {
    this.lines.push(...labelled('', printable(text), {indent: 2, labelWidth: 0, columns: this.#columns}));
  }

  row(label: string, text: string): void {
    this.lines.push(...labelled(label, printable(text), {indent: 2, labelWidth: 11, columns: this.#columns}));
  }

  /** A name in a column and the rest beside it where that fits a line, else below it. */
  table(rows: string[][]): void {
    const safe = rows.map(row => row.map(printable).filter(cell => cell !== ''));
    const width = Math.min(28, Math.max(0, ...safe.map(([name]) => (name as string).length)));
    for (const [name = '', ...rest] of safe) {
      const line = `  ${name.padEnd(width)}  ${rest.join('  ')}`;
      if (line.length <= this.#columns) this.lines.push(line);
      else this.lines.push(`  ${name}`, `      ${rest.join('  ')}`);
    }
  }
}

function section<T>(page: Page, title: string, answer: Answer<T>, show: (value: T) => void): void {
  page.title(title);
  if (answer.state === 'seen') show(answer.value);
  else page.line(answer.state === 'unseen' ? `not known: ${answer.reason}` : answer.reason);
}

function showUpdates(page: Page, fact: UpdatesFact, {now, updatesUnknown}: PatchState): void {
  const security = fact.pending.filter(update => update.security);
  const waiting = security.filter(({pinned}) => !pinned).length;
  const others = fact.pending.length - security.length;
  const lead = updatesUnknown === null ? '' : 'at least ';
  page.line(
    `${lead}${plural(waiting, 'security update')} pending, ${plural(others, 'other')}${countOf(security, 'held')}${countOf(security, 'pinned')}${countOf(security, 'masked')}`,
  );
  if (updatesUnknown !== null) page.line(`not known for sure: ${updatesUnknown}`);
  page.table(
    security.map(update => [
      update.package,
      `${update.installed} → ${update.securityVersion}`,
      ageOf(update, now),
      flagsOf(update),
    ]),
  );
}

function countOf(updates: PendingUpdate[], flag: 'held' | 'pinned' | 'masked'): string {
  const count = updates.filter(update => update[flag]).length;
  return count === 0 ? '' : `, ${count} ${flag}`;
}

/** apt's lists say only by when a version was published at the latest: then the age may be more. */
function ageOf({publishedAt, publishedBy}: PendingUpdate, now: number): string {
  const since = publishedAt ?? publishedBy;
  if (since === null) return 'age not known';
  const days = Math.max(0, Math.floor((now - Date.parse(since)) / dayMs));
  return `${publishedAt === null ? '≥ ' : ''}${plural(days, 'day')}`;
}

const flagsOf = (update: PendingUpdate) =>
  (['held', 'pinned', 'masked'] as const).filter(flag => update[flag]).join(', ');

function showMetadata(page: Page, {metadata, notes}: UpdatesFact, now: number): void {
  page.row(
    'fetched',
    metadata.fetchedAt === null ? 'not known' : `${agoOf(metadata.fetchedAt, now)}, ${metadata.fetchedAt}`,
  );
  for (const {name, security, releasedAt, validUntil} of metadata.sources) {
    const until = validUntil === null ? '' : `, valid until ${validUntil}`;
    page.row(
      security ? 'security' : 'source',
      `${name}: ${releasedAt === null ? 'no date' : `of ${releasedAt}`}${until}`,
    );
  }
  for (const note of notes) page.row('note', note);
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

function agoOf(time: string, now: number): string {
  const hours = Math.max(0, (now - Date.parse(time)) / 3_600_000);
  return hours < 72 ? `${plural(Math.floor(hours), 'hour')} ago` : `${Math.floor(hours / 24)} days ago`;
}

function showService(page: Page, unit: string, processes: StaleProcess[]): void {
  const paths = [...new Set(processes.flatMap(process => process.paths))].sort();
  const more = paths.length > maxPathsShown ? `, ${paths.length - maxPathsShown} more` : '';
  page.line(
    `${unit} (pid ${processes
      .map(({pid}) => pid)
      .slice(0, maxPathsShown)
      .join(', ')}): ${paths.slice(0, maxPathsShown).join(', ')}${more}`,
  );
}

function remaining(ends: string, now: number): string {
  const days = Math.floor((Date.parse(`${ends}T23:59:59Z`) - now) / dayMs);
  return days < 0 ? `ended ${plural(-days, 'day')} ago` : plural(days, 'day');
}

import {withoutValue} from '../../facts/answer.ts';
import type {Facts} from '../../facts/index.ts';
import type {PendingUpdate, UpdatesFact} from '../../facts/patch.ts';
import {type Judgement, judged} from '../../finding.ts';
import type {PatchCheck} from '../patch.ts';
import {shellWord} from '../shared.ts';

const hourMs = 3_600_000;
const dayMs = 86_400_000;
const maxShown = 20;

/**
 * A security repository that sets no end itself, as Ubuntu's, is taken to be out of date after so many days: twice the
 * time that Debian sets.
 */
const maxReleaseDays = 14;

const pendingSubject = 'security updates';
const ageSubject = 'age of security updates';
const listsSubject = 'package lists';
const heldSubject = 'held packages';

type Seen = {fact: UpdatesFact; where: string[]} | {judgement: Judgement};

function look(subject: string, facts: Facts): Seen {
  const answer = facts.get({fact: 'updates'});
  if (answer.state === 'seen') return {fact: answer.value, where: answer.where};
  if (answer.state === 'absent') return {judgement: {subject, verdict: 'none', reason: answer.reason}};
  return {judgement: withoutValue(subject, answer)};
}

const refresh = ({manager}: UpdatesFact) => (manager === 'apt' ? 'apt-get update' : 'dnf makecache');

/** Why the lists say nothing sure of today: null when they do. */
export function whyUnknown(fact: UpdatesFact, check: PatchCheck, now: number): string | null {
  const {metadata, securityUnknown} = fact;
  if (securityUnknown.length > 0) return securityUnknown.join('; ');
  const expired = metadata.sources.find(
    ({security, validUntil}) => security && validUntil !== null && Date.parse(validUntil) < now,
  );
  if (expired !== undefined)
    return `the lists of ${expired.name} are out of date since ${expired.validUntil}: run ${refresh(fact)}`;
  const old = metadata.sources.find(
    ({security, validUntil, releasedAt}) =>
      fact.manager === 'apt' &&
      security &&
      validUntil === null &&
      releasedAt !== null &&
      now - Date.parse(releasedAt) > maxReleaseDays * dayMs,
  );
  if (old !== undefined)
    return `the lists of ${old.name} are of ${old.releasedAt}, more than ${maxReleaseDays} days ago: run ${refresh(fact)}`;
  const limit = check.metadata_age_hours_at_most;
  if (limit === undefined) return null;
  if (metadata.fetchedAt === null) return `when the package lists were fetched cannot be told: run ${refresh(fact)}`;
  const hours = (now - Date.parse(metadata.fetchedAt)) / hourMs;
  return hours <= limit
    ? null
    : `the package lists were fetched ${formatHours(hours)} ago, at most ${limit} h were wanted: run ${refresh(fact)}`;
}

const formatHours = (hours: number) => (hours < 72 ? `${Math.floor(hours)} h` : `${Math.floor(hours / 24)} days`);

/** Those that a plain upgrade would fix, holds apart: what a pin keeps away is counted with the held ones. */
const pendingSecurity = ({pending}: UpdatesFact) => pending.filter(({security, pinned}) => security && !pinned);

const show = ({package: name, installed, securityVersion}: PendingUpdate) =>
  `${name} ${installed} → ${securityVersion}`;

function showAll(updates: PendingUpdate[], text: (update: PendingUpdate) => string = show): string[] {
  const shown = updates.slice(0, maxShown).map(text);
  return updates.length > maxShown ? [...shown, `${updates.length - maxShown} more`] : shown;
}

function upgradeCure({manager}: UpdatesFact, updates: PendingUpdate[]): string {
  if (manager === 'dnf') return 'dnf upgrade --security';
  const names = [...new Set(updates.map(update => update.package))];
  return names.length > maxShown
    ? 'apt-get update && apt-get upgrade'
    : `apt-get update && apt-get install --only-upgrade ${names.map(shellWord).join(' ')}`;
}

/** What is pending by lists that are too old is pending still, so too many of them fail; too few say nothing. */
export function judgePending(check: PatchCheck, facts: Facts, now: number): Judgement {
  const seen = look(pendingSubject, facts);
  if ('judgement' in seen) return seen.judgement;
  const {fact, where} = seen;
  const limit = check.security_pending_at_most as number;
  const pending = pendingSecurity(fact);
  const unknown = whyUnknown(fact, check, now);
  if (unknown !== null && pending.length <= limit)
    return {subject: pendingSubject, verdict: 'unknown', reason: unknown};
  const actual =
    pending.length === 0 ? 'none' : [`${unknown === null ? '' : 'at least '}${pending.length}`, ...showAll(pending)];
  return judged(
    pendingSubject,
    [{what: 'pending', expected: `at most ${limit}`, actual, ok: pending.length <= limit}],
    {
      where,
      scope: 'persistent',
      cure: upgradeCure(fact, pending),
    },
  );
}

type Age = {update: PendingUpdate; days: number; exact: boolean};

/** Days since publication. apt's lists say only by when it was published at the latest, so that is a lower bound. */
function ageOf(update: PendingUpdate, now: number): Age {
  const {publishedAt, publishedBy} = update;
  const since = publishedAt ?? publishedBy;
  return {
    update,
    days: since === null ? 0 : Math.max(0, (now - Date.parse(since)) / dayMs),
    exact: publishedAt !== null,
  };
}

const showAge = ({update, days, exact}: Age) => `${show(update)}, ${exact ? '' : 'at least '}${Math.floor(days)} days`;

export function judgeAge(check: PatchCheck, facts: Facts, now: number): Judgement {
  const seen = look(ageSubject, facts);
  if ('judgement' in seen) return seen.judgement;
  const {fact, where} = seen;
  const limit = check.security_pending_days_at_most as number;
  const ages = pendingSecurity(fact).map(update => ageOf(update, now));
  const over = ages.filter(({days}) => days > limit).sort((a, b) => b.days - a.days);
  const expected = `none pending for more than ${limit} days`;
  if (over.length > 0) {
    const shown = over.slice(0, maxShown).map(showAge);
    const actual = [
      `${over.length} older`,
      ...shown,
      ...(over.length > maxShown ? [`${over.length - maxShown} more`] : []),
    ];
    return judged(ageSubject, [{what: 'pending', expected, actual, ok: false}], {
      where,
      scope: 'persistent',
      cure: upgradeCure(
        fact,
        over.map(({update}) => update),
      ),
    });
  }
  const unknown = whyUnknown(fact, check, now);
  if (unknown !== null) return {subject: ageSubject, verdict: 'unknown', reason: unknown};
  const open = ages.filter(({exact}) => !exact).sort((a, b) => b.days - a.days);
  if (open.length > 0) {
    const reason = `the lists do not say since when these are published: ${open.slice(0, maxShown).map(showAge).join('; ')}`;
    return {subject: ageSubject, verdict: 'unknown', reason};
  }
  const actual =
    ages.length === 0
      ? 'none'
      : `${ages.length} pending, the oldest for ${Math.floor(Math.max(...ages.map(({days}) => days)))} days`;
  return judged(ageSubject, [{what: 'pending', expected, actual, ok: true}], {where, scope: 'persistent'});
}

/** Lists that are too old fail here, where their age is the question; where they were never fetched, it is not known. */
export function judgeMetadata(check: PatchCheck, facts: Facts, now: number): Judgement {
  const seen = look(listsSubject, facts);
  if ('judgement' in seen) return seen.judgement;
  const {fact, where} = seen;
  const limit = check.metadata_age_hours_at_most as number;
  const {fetchedAt, sources} = fact.metadata;
  const security = sources.filter(source => source.security);
  if (fetchedAt === null) {
    const reason =
      security.length === 0
        ? fact.securityUnknown.join('; ') || 'there are no package lists'
        : 'when the package lists were fetched cannot be told';
    return {subject: listsSubject, verdict: 'unknown', reason: `${reason}: run ${refresh(fact)}`};
  }
  const hours = Math.max(0, (now - Date.parse(fetchedAt)) / hourMs);
  const {metadata_age_hours_at_most: _, ...rest} = check;
  const outdated = fact.securityUnknown.length > 0 ? null : whyUnknown(fact, rest, now);
  return judged(
    listsSubject,
    [
      {
        what: 'fetched',
        expected: `at most ${limit} h ago`,
        // An age that is well is told as its moment, which stays the same until the lists are fetched again.
        actual: hours <= limit ? fetchedAt : `${formatHours(hours)} ago`,
        ok: hours <= limit,
      },
      {
        what: 'dated',
        expected: 'not out of date',
        actual: outdated ?? `${fact.metadata.releasedAt ?? 'without a date'}`,
        ok: outdated === null,
      },
    ],
    {
      where: security.length > 0 ? security.map(source => source.where) : where,
      scope: 'persistent',
      cure: refresh(fact),
    },
  );
}

export function judgeHeld(check: PatchCheck, facts: Facts, now: number): Judgement {
  const seen = look(heldSubject, facts);
  if ('judgement' in seen) return seen.judgement;
  const {fact, where} = seen;
  const held = fact.pending.filter(update => update.security && (update.held || update.pinned));
  const unknown = whyUnknown(fact, check, now);
  if (unknown !== null && held.length === 0) return {subject: heldSubject, verdict: 'unknown', reason: unknown};
  const names = [...new Set(held.filter(update => update.held).map(update => shellWord(update.package)))];
  const cures = [
    ...(names.length > 0
      ? [`${fact.manager === 'apt' ? 'apt-mark unhold' : 'dnf versionlock delete'} ${names.join(' ')}`]
      : []),
    ...(held.some(update => update.pinned)
      ? ['take the pin out of /etc/apt/preferences.d: `apt-cache policy PACKAGE` shows it']
      : []),
  ];
  const actual =
    held.length === 0 ? 'none' : showAll(held, update => `${show(update)} (${update.held ? 'held' : 'pinned'})`);
  const compared = [
    {
      what: 'held back',
      expected: check.held_security as string,
      actual,
      ok: (held.length === 0) === (check.held_security === 'none'),
    },
  ];
  return judged(heldSubject, compared, {where, scope: 'persistent', cure: cures.join('; ')});
}

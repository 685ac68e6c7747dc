import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {type Address, replaceFilters} from '../address.ts';
import type {Verdict} from '../client.ts';
import {number, severities, verdicts, verdictWord} from '../words.ts';
import {VerdictIcon} from './verdict.tsx';

const typingMs = 250;

/** The filters of findings. They live in the address, so that a view can be linked. */
export function Filters({
  address,
  counts,
  packs,
}: {
  address: Address;
  /** Of all that could be shown, by verdict; null while it is not known. */
  counts: {[V in Verdict]?: number} | null;
  packs: string[];
}): JSX.Element {
  const {filters} = address;
  const toggle = (name: string, value: string) => {
    const next = new URLSearchParams(filters);
    const values = next.getAll(name);
    next.delete(name);
    for (const kept of values.includes(value) ? values.filter(one => one !== value) : [...values, value]) {
      next.append(name, kept);
    }
    replaceFilters(address, next);
  };
  const set = (name: string, value: string) => {
    const next = new URLSearchParams(filters);
    if (value === '') next.delete(name);
    else next.set(name, value);
    replaceFilters(address, next);
  };
  return (
    <search class="filters">
      <fieldset class="verdicts">
        <legend class="hidden">Verdict</legend>
        {verdicts.map(({verdict}) => (
          <button
            key={verdict}
            type="button"
            class={`chip ${verdict}`}
            aria-pressed={filters.getAll('verdict').includes(verdict)}
            onClick={() => toggle('verdict', verdict)}
          >
            <VerdictIcon verdict={verdict} />
            {verdictWord(verdict)}
            {counts !== null && <span class="count">{number(counts[verdict] ?? 0)}</span>}
          </button>
        ))}
      </fieldset>
      <fieldset>
        <legend class="hidden">Severity</legend>
        {severities.map(severity => (
          <button
            key={severity}
            type="button"
            class="chip"
            aria-pressed={filters.getAll('severity').includes(severity)}
            onClick={() => toggle('severity', severity)}
          >
            {severity}
          </button>
        ))}
      </fieldset>
      <label>
        <span class="hidden">Pack</span>
        <select value={filters.get('pack') ?? ''} onChange={event => set('pack', event.currentTarget.value)}>
          <option value="">all packs</option>
          {packs.map(pack => (
            <option key={pack} value={pack}>
              {pack}
            </option>
          ))}
        </select>
      </label>
      <TextFilter label="Rule" value={filters.get('rule') ?? ''} change={value => set('rule', value)} />
      {filters.size > 0 && (
        <button type="button" class="quiet" onClick={() => replaceFilters(address, new URLSearchParams())}>
          Clear
        </button>
      )}
    </search>
  );
}

/** A field that acts a moment after the last key. */
export function TextFilter({
  label,
  value,
  change,
}: {
  label: string;
  value: string;
  change(value: string): void;
}): JSX.Element {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => change(text.trim()), typingMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="text-filter">
      <span class="hidden">{label}</span>
      <input
        type="search"
        placeholder={label}
        value={text}
        maxLength={100}
        spellcheck={false}
        autocomplete="off"
        onInput={event => setText(event.currentTarget.value)}
      />
    </label>
  );
}

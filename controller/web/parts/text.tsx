import type {JSX} from 'preact';
import {span} from '../words.ts';

/** Characters that show nothing, or change how others are shown: a host could make its text look like other text with them. */
const unseen = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}])/u;

/** What a host said. It is text whatever is in it, and it cannot turn around what stands beside it. */
export function Said({text}: {text: string}): JSX.Element {
  if (!unseen.test(text)) return <bdi>{text}</bdi>;
  return (
    <bdi>
      {text.split(unseen).map((part, index) =>
        index % 2 === 0 ? (
          part
        ) : (
          <span class="unseen" key={index}>
            {part === '\n' ? '⏎' : `U+${(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`}
          </span>
        ),
      )}
    </bdi>
  );
}

/** How long ago, with the exact time behind it. */
export function Ago({time, now}: {time: string | null; now: number}): JSX.Element {
  if (time === null) return <span class="faint">never</span>;
  const ms = Math.max(0, now - Date.parse(time));
  return (
    <time dateTime={time} title={time}>
      {ms < 5_000 ? 'now' : span(ms)}
    </time>
  );
}

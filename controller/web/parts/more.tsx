import type {JSX} from 'preact';
import {number} from '../words.ts';

export const pageRows = 100;

/** The end of a list: how much of it is shown, and more of it. */
export function More({shown, hasMore, more}: {shown: number; hasMore: boolean; more(): void}): JSX.Element {
  return (
    <p class="more">
      {hasMore ? `The first ${number(shown)} are shown.` : `${number(shown)} shown, that is all.`}{' '}
      {hasMore && (
        <button type="button" onClick={more}>
          Show more
        </button>
      )}
    </p>
  );
}

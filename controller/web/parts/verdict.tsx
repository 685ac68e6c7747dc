import type {JSX} from 'preact';
import type {Severity, Verdict} from '../client.ts';
import {number, severities, verdicts, verdictWord} from '../words.ts';

/** A shape for each verdict, so that none is told by colour alone. */
const shapes: {[V in Verdict]: JSX.Element} = {
  fail: <path d="M4.5 4.5l7 7m0-7l-7 7" />,
  error: <path d="M8 3.5v5.2M8 11.9v.1" />,
  unknown: <path d="M5.9 6a2.1 2.1 0 1 1 3.1 1.9c-.7.4-1 .8-1 1.5M8 12.1v.1" />,
  waived: <path d="M5.2 12.8V3.4h5.9l-1.5 2.7 1.5 2.7H5.2" />,
  pass: <path d="M3.8 8.6l2.8 2.8 5.6-6.4" />,
  'not-applicable': <path d="M4.5 8h7" />,
};

export function VerdictIcon({verdict}: {verdict: Verdict}): JSX.Element {
  return (
    <svg class={`icon ${verdict}`} viewBox="0 0 16 16" aria-hidden="true">
      {shapes[verdict]}
    </svg>
  );
}

export function VerdictLabel({verdict}: {verdict: Verdict}): JSX.Element {
  return (
    <span class={`verdict ${verdict}`}>
      <VerdictIcon verdict={verdict} />
      {verdictWord(verdict)}
    </span>
  );
}

/** As many bars as it is bad, and the word. */
export function SeverityLabel({severity}: {severity: Severity}): JSX.Element {
  const level = severities.length - severities.indexOf(severity);
  return (
    <span class={`severity ${severity}`}>
      <svg viewBox="0 0 15 10" aria-hidden="true">
        {[1, 2, 3, 4, 5].map(bar => (
          <rect
            key={bar}
            x={(bar - 1) * 3}
            y={10 - bar * 2}
            width="2"
            height={bar * 2}
            class={bar <= level ? 'on' : ''}
          />
        ))}
      </svg>
      {severity}
    </span>
  );
}

export type Counts = {[V in Verdict]: number};

/** All findings of a host as one bar, the bad ones at its left. */
export function CountsBar({counts}: {counts: Counts}): JSX.Element {
  const total = verdicts.reduce((sum, {verdict}) => sum + counts[verdict], 0);
  const shown = verdicts.filter(({verdict}) => counts[verdict] > 0);
  const label = shown.map(({verdict, word}) => `${number(counts[verdict])} ${word.toLowerCase()}`).join(', ');
  let left = 0;
  return (
    <svg class="bar" role="img" aria-label={label || 'no findings yet'} preserveAspectRatio="none" viewBox="0 0 100 6">
      <title>{label || 'no findings yet'}</title>
      {shown.map(({verdict}) => {
        const width = (counts[verdict] / total) * 100;
        const x = left;
        left += width;
        return <rect key={verdict} class={verdict} x={x} y="0" width={width} height="6" />;
      })}
    </svg>
  );
}

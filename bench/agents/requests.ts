import type {EnrolRequest, FleetStats} from './fleet.ts';

/** What a fleet in a process of its own can be asked, and what it answers. */
export type FleetRequest = {id: number} & (
  | ({do: 'enrol'} & EnrolRequest)
  | {do: 'change'; count: number}
  | {do: 'acknowledged' | 'allOpen' | 'stats' | 'clear' | 'disconnect'}
);
export type FleetAnswer = {id: number; stats: FleetStats} | {id: number; problem: string};

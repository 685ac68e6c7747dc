import type {Who} from '../accounts/select.ts';
import type {FileStat} from './file.ts';

/** The home directories of some local users, and what lies in them. */
export type HomesRequest = {
  who: Who;
  except: string[];
  /** Paths relative to the home, such as `.ssh/authorized_keys`; `*` may stand in the last component. */
  files: string[];
};

/** One entry; a link is itself the fact and never followed. `target` is where a link points, as written. */
export type HomeEntry =
  | {path: string; state: 'seen'; stat: FileStat; target: string | null}
  | {path: string; state: 'absent'; reason: string}
  | {path: string; state: 'unseen'; reason: string};

export type HomeFact = {
  user: string;
  uid: number;
  /** As passwd(5) has it. */
  home: string;
  directory: HomeEntry;
  /** `asked` is the relative path of the request; what does not exist is left out. */
  files: Array<{asked: string; entry: HomeEntry}>;
};

export type AccountsRequest = Record<never, never>;

/** What shadow(5) holds, without the hash. */
export type PasswordState =
  /** `none`: text that no password can match, such as `*`; `locked`: it begins with `!`. */
  | {state: 'empty' | 'locked' | 'none'}
  /** `scheme` is the crypt(5) prefix's name: yescrypt, sha512, sha256, md5, bcrypt, des, …; never the hash. */
  | {state: 'set'; scheme: string}
  /** The hash stands in the world-readable passwd(5). */
  | {state: 'unshadowed'}
  | {state: 'unseen'; reason: string};

export type UserFact = {
  name: string;
  uid: number;
  gid: number;
  comment: string;
  home: string;
  shell: string;
  password: PasswordState;
  /** shadow(5) ageing, in days; null when unset or unseen. */
  ageing: {
    lastChange: number | null;
    min: number | null;
    max: number | null;
    warn: number | null;
    inactive: number | null;
    expire: number | null;
  } | null;
  /** `path:line` in passwd(5). */
  where: string;
  /** `path:line` in shadow(5), where the user has an entry there. */
  shadowWhere: string | null;
};
export type GroupFact = {
  name: string;
  gid: number;
  members: string[];
  password: 'empty' | 'locked' | 'set' | 'unseen';
  where: string;
};

/** Local accounts: files only, what NSS adds from elsewhere is not local. Broken lines are kept for rules to find. */
export type AccountsFact = {
  users: UserFact[];
  groups: GroupFact[];
  /** /etc/shells */
  shells: string[];
  /** From login.defs(5). */
  uidMin: number;
  uidMax: number;
  broken: Array<{where: string; problem: string}>;
  /** Files that hold part of the picture and could not be read, with the reason; `broken` may then lack entries. */
  unreadable: string[];
};

export type SudoRequest = Record<never, never>;

/** One command of a line of sudoers(5), aliases written out. */
export type SudoRuleFact = {
  /** As sudoers writes them: `alice`, `%wheel`, `#1000`, `ALL`; `!` before those who are left out. */
  users: string[];
  /** Whether it may be run as root: no run-as list, or one that holds root or ALL. */
  asRoot: boolean;
  tags: string[];
  command: string;
  /** `path:line` */
  where: string;
};

/** A `Defaults` entry. `scope` names those whom it is for, null for all. */
export type SudoDefaultFact = {
  name: string;
  operator: 'on' | 'off' | '=' | '+=' | '-=';
  value: string;
  scope: string[] | null;
  where: string;
};

/** Local sudoers(5): what a directory service adds (sudoers in nsswitch.conf(5)) is not seen. */
export type SudoFact = {rules: SudoRuleFact[]; defaults: SudoDefaultFact[]};

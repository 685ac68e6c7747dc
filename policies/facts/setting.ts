export const settingFormats = [
  'apt.conf',
  'env',
  'gcfg',
  'grub',
  'ini',
  'json',
  'key-value',
  'limits',
  'login.defs',
  'modprobe',
  'pam',
  'sshd',
  'sudoers',
  'systemd-conf',
  'systemd-unit',
  'toml',
  'yaml',
] as const;
export type SettingFormat = (typeof settingFormats)[number];

/** One key of one program's configuration. The files are one configuration, read in this order; none is the format's usual place. */
export type SettingRequest = {
  format: SettingFormat;
  files: string[];
  /** systemd-unit: the unit's name. */
  unit?: string;
  section?: string;
  key: string;
};

/**
 * Where a value stands: the program's main file, one that the main file or the program itself brings in, a block that
 * holds under a condition only, or the arguments that the service is started with.
 */
export type SettingOrigin = 'main' | 'drop-in' | 'block' | 'command-line';

/** `where` is `path:line`, or the path alone where the format has no lines. */
export type SettingValue = {value: string; where: string; origin: SettingOrigin};

export type SettingFact = {
  /** What holds for everybody, in the program's order; several for a key that adds up, none when nothing sets it. */
  values: SettingValue[];
  /** What holds instead under a condition, once for each place that sets the key so. */
  conditional: Array<{condition: string; where: string; values: SettingValue[]}>;
  /** Places that set the key to no effect, since another wins. */
  overridden: SettingValue[];
  /** The program's own value when nothing sets the key; null where reeve knows none; `unseen` where it depends on what could not be seen. */
  default: {value: string; source: string} | {unseen: string} | null;
  /** Where a new value would win, as an administrator would write it; `after` makes the program read it. */
  change: {file: string; before: string | null; after: string | null} | null;
};

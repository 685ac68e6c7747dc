/** systemd.unit(5): prefix, optional `@instance`, suffix. */
const pattern =
  /^([A-Za-z0-9:_.\\-]+)(?:@([A-Za-z0-9:_.\\@-]*))?\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

export type UnitName = {prefix: string; instance: string | null; type: string};

/** Null for what is no unit's name. `instance` is null for plain names and empty for templates. */
export function parseUnitName(name: string): UnitName | null {
  if (name.length > 255) return null;
  const match = pattern.exec(name);
  if (match === null) return null;
  return {prefix: match[1] as string, instance: match[2] ?? null, type: match[3] as string};
}

export const isTemplate = (name: string): boolean => parseUnitName(name)?.instance === '';
export const isInstance = (name: string): boolean => Boolean(parseUnitName(name)?.instance);

/** `getty@.service` for `getty@tty1.service` and for itself; null for a plain name. */
export function templateOf(name: string): string | null {
  const parsed = parseUnitName(name);
  return parsed === null || parsed.instance === null ? null : `${parsed.prefix}@.${parsed.type}`;
}

export function instanceOf(template: string, instance: string): string {
  return template.replace('@.', `@${instance}.`);
}

/** Types whose units may have other names by links, unit_type_may_alias() of systemd. */
export const mayAlias = (name: string): boolean =>
  ['service', 'socket', 'target', 'device', 'timer', 'path'].includes(parseUnitName(name)?.type ?? '');

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const directoryName = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

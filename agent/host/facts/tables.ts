import type {Host} from '../host.ts';

/** The names of the judged root's own passwd(5) and group(5), by id. */
export type NameTables = {users: Map<number, string>; groups: Map<number, string>};

/** Small tables that several collectors want; each is read at most once a check. */
export class HostTables {
  readonly #host: Host;
  #names: Promise<NameTables> | null = null;

  constructor(host: Host) {
    this.#host = host;
  }

  /** An unreadable file gives an empty table: owners then show as numbers. */
  names(): Promise<NameTables> {
    this.#names ??= this.#readNames();
    return this.#names;
  }

  async #readNames(): Promise<NameTables> {
    const [users, groups] = await Promise.all(['/etc/passwd', '/etc/group'].map(path => this.#readTable(path)));
    return {users: users as Map<number, string>, groups: groups as Map<number, string>};
  }

  async #readTable(path: string): Promise<Map<number, string>> {
    const table = new Map<number, string>();
    const file = await this.#host.fs.readFile(path, {maxBytes: 16 * 1024 * 1024});
    if (!file.ok) return table;
    for (const line of file.value.bytes.toString('utf8').split('\n')) {
      const [name, , id] = line.split(':');
      if (name && id !== undefined && /^\d+$/.test(id) && !table.has(Number(id))) table.set(Number(id), name);
    }
    return table;
  }
}

import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {ApparmorFact, LoadedProfile} from '../../../../policies/facts/apparmor.ts';
import type {Host} from '../../host.ts';
import {readText} from './lsm.ts';

const maxListBytes = 8 * 1024 * 1024;
const maxProfiles = 20_000;
const maxDepth = 16;

/**
 * The profiles that the kernel has, from `apparmor/profiles` of securityfs (root only), with attachment and digest from
 * the tree below `apparmor/policy`. Who may not read the list but the tree gets the tree's.
 */
export async function readLoadedProfiles(
  host: Host,
  mount: Answer<string>,
  kernel: Answer<boolean>,
): Promise<Pick<ApparmorFact, 'loaded' | 'detailsUnseen'>> {
  if (mount.state !== 'seen')
    return {
      loaded:
        mount.state === 'absent' ? unseen('securityfs is not mounted, so the loaded profiles cannot be read') : mount,
      detailsUnseen: [],
    };
  if (kernel.state === 'seen' && !kernel.value)
    return {loaded: absent('AppArmor is not active in the kernel', kernel.where), detailsUnseen: []};
  const folder = `${mount.value}/apparmor`;
  const tree = new ProfileTree(host);
  await tree.walkNamespace(`${folder}/policy`, '', 0);
  const list = await readText(host, `${folder}/profiles`, maxListBytes);
  if (list.ok) {
    const loaded = parseProfiles(list.value);
    if (loaded === null) return {loaded: unseen(`cannot understand ${folder}/profiles`), detailsUnseen: []};
    return {
      loaded: seen(
        loaded.map(profile => ({...profile, ...tree.detailsOf(profile.name)})),
        [`${folder}/profiles`],
      ),
      detailsUnseen: tree.unseen,
    };
  }
  if (list.code === 'denied' && tree.unseen.length === 0 && tree.profiles.size > 0) {
    return {loaded: seen([...tree.profiles.values()], [`${folder}/policy/profiles`]), detailsUnseen: []};
  }
  return {
    loaded:
      list.code === 'absent' ? unseen(`${folder}/profiles is not there: securityfs is masked`) : unseen(list.reason),
    detailsUnseen: [],
  };
}

/** `name (mode)` a line. Names hold spaces and brackets, so the last ` (` separates. Null for anything else. */
export function parseProfiles(text: string): Array<Pick<LoadedProfile, 'name' | 'mode'>> | null {
  const profiles: Array<Pick<LoadedProfile, 'name' | 'mode'>> = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const at = line.lastIndexOf(' (');
    if (at < 1 || !line.endsWith(')')) return null;
    profiles.push({name: line.slice(0, at), mode: line.slice(at + 2, -1)});
  }
  return profiles.length > maxProfiles ? null : profiles;
}

/** `policy/profiles/*` with name, mode, attach and sha1 (sha256 since Linux 6.8), children and namespaces below them. */
class ProfileTree {
  readonly profiles = new Map<string, LoadedProfile>();
  readonly unseen: string[] = [];
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  detailsOf(name: string): Pick<LoadedProfile, 'attach' | 'attachHidden' | 'digest'> {
    const {attach = null, attachHidden = false, digest = null} = this.profiles.get(name) ?? {};
    return {attach, attachHidden, digest};
  }

  async walkNamespace(folder: string, namespace: string, depth: number): Promise<void> {
    await this.#walkProfiles(`${folder}/profiles`, namespace === '' ? '' : `:${namespace}://`, depth);
    for (const name of await this.#list(`${folder}/namespaces`)) {
      if (depth < maxDepth)
        await this.walkNamespace(
          `${folder}/namespaces/${name}`,
          namespace === '' ? name : `${namespace}//${name}`,
          depth + 1,
        );
      else this.unseen.push(`${folder}/namespaces is nested too deeply`);
    }
  }

  async #walkProfiles(folder: string, prefix: string, depth: number): Promise<void> {
    for (const entry of await this.#list(folder)) {
      if (this.profiles.size >= maxProfiles) {
        this.unseen.push(`there are more than ${maxProfiles} profiles`);
        return;
      }
      const path = `${folder}/${entry}`;
      const name = await this.#line(`${path}/name`);
      const mode = await this.#line(`${path}/mode`);
      if (name === null || mode === null) continue;
      const full = prefix + name;
      this.profiles.set(full, {
        name: full,
        mode,
        ...attachment(await this.#line(`${path}/attach`), name, prefix.endsWith('//') && !prefix.endsWith('://')),
        digest: await this.#digest(path),
      });
      if (depth < maxDepth) await this.#walkProfiles(`${path}/profiles`, `${full}//`, depth + 1);
    }
  }

  async #digest(path: string): Promise<LoadedProfile['digest']> {
    for (const algorithm of ['sha256', 'sha1'] as const) {
      const value = await this.#line(`${path}/${algorithm}`, true);
      if (value !== null && /^[0-9a-f]{40,64}$/.test(value)) return {algorithm, value};
    }
    return null;
  }

  /** A profile may be removed while we look; that is no failure. */
  async #line(path: string, optional = false): Promise<string | null> {
    const text = await readText(this.#host, path, 16 * 1024);
    if (text.ok) return text.value.replace(/\n$/, '');
    if (!optional && text.code !== 'absent') this.unseen.push(text.reason);
    return null;
  }

  async #list(folder: string): Promise<string[]> {
    const list = await this.#host.fs.list(folder, {max: maxProfiles});
    if (list.ok) return list.value.names.sort();
    if (list.code !== 'absent') this.unseen.push(list.reason);
    return [];
  }
}

/**
 * The kernel prints the attachment, or the name where there is no pattern, or `<unknown>` where the pattern came
 * compiled only: then a name that is a path is the pattern. Children attach to nothing by themselves. Source: apparmorfs.c.
 */
function attachment(
  attach: string | null,
  name: string,
  isChild: boolean,
): Pick<LoadedProfile, 'attach' | 'attachHidden'> {
  if (attach === null || isChild) return {attach: null, attachHidden: false};
  const compiled = attach === '<unknown>';
  const pattern = compiled ? name : attach;
  const isPath = /^[/{]/.test(pattern);
  return {attach: isPath ? pattern : null, attachHidden: compiled && !isPath};
}

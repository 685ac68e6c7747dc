import type {Severity, Verdict} from './finding.ts';
import type {Json} from './json.ts';
import type {Kind} from './kinds/kind.ts';

/** A part of a rule's check: one kind's check, or several joined. */
export type CheckNode = {kind: Kind; check: {[key: string]: Json}} | {all: CheckNode[]} | {any: CheckNode[]};

/** Where a pack or rule speaks of this host at all; each key that is given must hold. */
export type Applies = {
  /** os-release id (or a family that the host is like) → `any`, or bounds such as `>=12` or `>=8 <10`. */
  os?: {[id: string]: string};
  not_in?: Array<'container' | 'image'>;
  init?: 'systemd';
  /** At least one of these is installed. */
  package?: string | string[];
  /** At least one of these paths exists. */
  file?: string | string[];
};

export type NoneVerdict = Extract<Verdict, 'pass' | 'fail' | 'not-applicable' | 'unknown'>;

export type Rule = {
  id: string;
  pack: string;
  area: string;
  title: string;
  why: string;
  severity: Severity;
  /** Scheme (cis_debian12, nist_800_53, …) → ids in it. */
  refs: {[scheme: string]: string[]};
  applies: Applies[];
  check: CheckNode;
  /** The verdict when the set that the rule speaks of is empty; null where it cannot be. */
  none: NoneVerdict | null;
  /** What to do about a failure, where the kind cannot say it as well. */
  cure: string | null;
  /** `path:line` of the rule. */
  where: string;
};

export type ParamValue = string | number | boolean | Array<string | number | boolean>;
export type Pack = {
  name: string;
  version: string;
  title: string;
  /** SHA-256 over the pack's files, hexadecimal. */
  digest: string;
  params: {[name: string]: ParamValue};
  rules: Rule[];
};

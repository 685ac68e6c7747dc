import type {Finding} from '../../../policies/finding.ts';
import type {JudgedRules} from './round.ts';

/** The rules of reeve that speak of waivers: judged in every round, since what is not judged in it stays as it was. */
export const waiverRules = ['reeve.waiver-expired', 'reeve.waiver-orphaned'];

/** What is wrong with the site's waivers, over rounds that judge only some of the rules. */
export class WaiverFindings {
  readonly #findings = new Map<string, Finding | null>();

  /**
   * A waiver whose rule was not judged this time keeps the finding that it speaks of nothing; that it ended would have
   * been said.
   */
  take({waivers}: Pick<JudgedRules, 'waivers'>): void {
    if (waivers === null) return;
    for (const id of this.#findings.keys()) if (!waivers.has(id)) this.#findings.delete(id);
    for (const [id, own] of waivers) {
      const before = this.#findings.get(id) ?? null;
      const kept = before?.rule === 'reeve.waiver-orphaned' ? before : null;
      this.#findings.set(id, own === 'unknown' ? kept : own);
    }
  }

  all(): Finding[] {
    return [...this.#findings.values()].filter(finding => finding !== null);
  }
}

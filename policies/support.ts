import type {SupportKind} from './facts/patch.ts';

export type SupportEntry = {id: string; version: string; phases: Array<{kind: SupportKind; ends: string}>};

/**
 * When releases lose their updates, for machines that do not say so themselves. `asOf` is the day on which the table
 * was last held against its sources; 400 days later it is not believed any more. A release that is not here is not
 * known: better that than a guess. `version` is the major version, but for Ubuntu.
 *
 * Sources: Debian and Ubuntu, distro-info-data as of Debian 12's 0.58+deb12u6 (regular: `eol`; lts: `eol-lts`; paid:
 * `eol-elts`, `eol-esm`). Red Hat's life cycle by endoflife.date `products/rhel.md` (regular: end of
 * maintenance support, paid: end of extended life cycle support). AlmaLinux, Oracle Linux (regular: premier, paid:
 * extended) and CentOS Stream by the same site's pages. Rocky Linux by wiki.rockylinux.org "Version table" and its own
 * os-release.
 */
export const supportTable: {asOf: string; entries: SupportEntry[]} = {
  asOf: '2026-11-21',
  entries: [
    entry('debian', '11', {regular: '2024-08-14', lts: '2026-08-31', paid: '2031-06-30'}),
    entry('debian', '12', {regular: '2026-07-11', lts: '2028-06-30', paid: '2033-06-30'}),
    entry('debian', '13', {regular: '2028-08-09', lts: '2030-06-30', paid: '2035-06-30'}),
    entry('ubuntu', '20.04', {regular: '2025-05-29', paid: '2030-04-23'}),
    entry('ubuntu', '22.04', {regular: '2027-06-01', paid: '2032-04-21'}),
    entry('ubuntu', '24.04', {regular: '2029-05-31', paid: '2034-04-25'}),
    entry('ubuntu', '26.04', {regular: '2031-05-29', paid: '2036-04-23'}),
    entry('rhel', '7', {regular: '2024-06-30', paid: '2028-06-30'}),
    entry('rhel', '8', {regular: '2029-05-31', paid: '2032-05-31'}),
    entry('rhel', '9', {regular: '2032-05-31', paid: '2035-05-31'}),
    entry('rocky', '8', {regular: '2029-05-31'}),
    entry('rocky', '9', {regular: '2032-05-31'}),
    entry('almalinux', '8', {regular: '2029-03-01'}),
    entry('almalinux', '9', {regular: '2032-05-31'}),
    entry('almalinux', '10', {regular: '2035-05-31'}),
    entry('ol', '8', {regular: '2029-07-01', paid: '2031-07-01'}),
    entry('ol', '9', {regular: '2032-06-30', paid: '2034-06-30'}),
    entry('centos-stream', '8', {regular: '2024-05-31'}),
    entry('centos-stream', '9', {regular: '2027-05-31'}),
  ],
};

export const supportTableDays = 400;

function entry(id: string, version: string, ends: {[K in SupportKind]?: string}): SupportEntry {
  const phases = Object.entries(ends).map(([kind, end]) => ({kind: kind as SupportKind, ends: end}));
  return {id, version, phases};
}

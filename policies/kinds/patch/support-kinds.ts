import type {SupportKind} from '../../facts/patch.ts';

export const supportKinds: readonly SupportKind[] = ['regular', 'lts', 'paid'];

/** Support that counts: what a rule names, else what costs nothing. */
export const supportKindsOf = ({kind}: {kind?: readonly SupportKind[]}): readonly SupportKind[] =>
  kind ?? ['regular', 'lts'];

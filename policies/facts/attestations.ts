/** What named persons confirmed on this host's own word: attestations.yaml of the site's policy directory. */
export type AttestationsRequest = Record<never, never>;

/** One person's confirmation of the rule's statement, until a time. */
export type Attestation = {
  rule: string;
  by: string;
  at: string;
  atMs: number;
  expires: string;
  expiresMs: number;
  note: string | null;
  /** The host that it speaks of; null: every host that has the file. */
  host: string | null;
  /** `path:line` */
  where: string;
};

/** Those that speak of this host. */
export type AttestationsFact = {path: string; attestations: Attestation[]};

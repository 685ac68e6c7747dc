/** A fixed command of a signed pack. */
export type ProbeRequest = {command: string[] /** Null: nobody. */; user: string | null; timeoutSeconds: number};

/** `absent` when the program is not installed; whatever kept it from ending by itself is `unseen`. */
export type ProbeFact = {exitCode: number; stdout: string; stderr: string};

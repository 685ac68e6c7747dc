import {writeFileSync} from 'node:fs';
import {join} from 'node:path';

export type ControllerOptions = {
  /** How many connections it may take a second; its own default otherwise. */
  acceptsPerSecond?: number;
};

export function writeControllerConfig(folder: string, _options: ControllerOptions = {}): string {
  const path = join(folder, 'controller.yaml');
  writeFileSync(path, '', {mode: 0o644});
  return path;
}

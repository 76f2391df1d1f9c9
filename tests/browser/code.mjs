// Reading a code that somebody shows, as a camera does.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The text of the one code in a picture (PNG). */
export function textIn(picture) {
  const folder = mkdtempSync(join(tmpdir(), 'watchgate-code-'));
  try {
    const file = join(folder, 'code.png');
    writeFileSync(file, picture);
    const { status, stdout, stderr, error } = spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' });
    if (error || status !== 0) throw new Error(`zbarimg finds no code: ${error ?? stderr}`);
    return stdout.trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

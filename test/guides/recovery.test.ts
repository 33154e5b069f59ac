// Runs docs/guides/recovery.md as written, with contexts in a folder of its own.
import { afterAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeGuide } from '../support/guide.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-guide-contexts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeGuide('recovery.md', ['curl'], { env: () => ({ WEIR_CONFIG: path.join(folder, 'config.yaml') }) });

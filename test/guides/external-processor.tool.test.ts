// Runs docs/guides/external-processor.md as written, with its processor in Go.
import { beforeAll } from '@jest/globals';
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';
import { MASK } from './processor.ts';

beforeAll(() => buildGoTool(MASK), 1_200_000);

describeGuide('external-processor.md', ['curl', 'go'], { env: () => ({ PATH: `${MASK.folder}:${process.env['PATH'] ?? ''}` }) });

// Runs docs/guides/metrics.md as written. The collector of the tests has the name of the one on the page, and its addresses.
import { beforeAll } from '@jest/globals';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';
import { OTEL_COLLECTOR } from '../telemetry/collector.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'weir-otelcol-'));

beforeAll(() => {
  buildGoTool(OTEL_COLLECTOR);
  const program = path.join(folder, 'otelcol-contrib');
  const binary = path.join(OTEL_COLLECTOR.folder, OTEL_COLLECTOR.name);
  // Its standard input stays open as long as the terminal.
  writeFileSync(program, `#!/bin/sh\necho started\ntail -f /dev/null | ${binary} -http 127.0.0.1:4318 > received.json\n`);
  chmodSync(program, 0o755);
}, 1_200_000);

describeGuide('metrics.md', ['curl'], { env: () => ({ PATH: `${folder}:${process.env['PATH'] ?? ''}` }) });

// The collector of the tests under the name of the one on the pages, and with its addresses.
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildGoTool } from '../support/go-tool.ts';
import { OTEL_COLLECTOR } from '../telemetry/collector.ts';

/** The variables of commands that find it. */
export function collectorEnv(): NodeJS.ProcessEnv {
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
}

const folder = mkdtempSync(path.join(tmpdir(), 'weir-otelcol-'));

/** Builds it. */
export function buildCollector(): void {
  buildGoTool(OTEL_COLLECTOR);
  const program = path.join(folder, 'otelcol-contrib');
  const binary = path.join(OTEL_COLLECTOR.folder, OTEL_COLLECTOR.name);
  // Its standard input stays open as long as the terminal.
  writeFileSync(program, `#!/bin/sh\necho started\ntail -f /dev/null | ${binary} -http 127.0.0.1:4318 > received.json\n`);
  chmodSync(program, 0o755);
}

// docs/reference/logs.md and the fields of docs/reference/security-events.md agree with the code.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createLog } from '#lib/log.ts';
import { StallWatch } from '#lib/event-loop/stall-watch.ts';
import { HEALTH_EVENTS } from '../../proxy/supervisor/health-log.ts';
import { filesBelow } from '../support/imports.ts';

const PAGE = readFileSync('docs/reference/logs.md', 'utf8');
const METRICS = readFileSync('docs/reference/metrics.md', 'utf8');

/** The first columns of the table below a heading, without its head. */
function rowsBelow(page: string, heading: string): string[] {
  const section = page.split(`\n${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '';
  const rows = section.split('\n| --- |')[1] ?? '';
  return Array.from(rows.matchAll(/^\| `([\w.]+)` \|/gm), ([, name = '']) => name);
}

/** All matches in the code of the programs. */
function inCode(pattern: RegExp): ReadonlySet<string> {
  const files = ['proxy', 'controller', 'lib', 'cli'].flatMap((folder) => filesBelow(folder)).filter((file) => !/\.test\.ts$/.test(file));
  return new Set(files.flatMap((file) => Array.from(readFileSync(file, 'utf8').matchAll(pattern), ([, name = '']) => name)));
}

test('components are those of the code', () => {
  expect(rowsBelow(PAGE, '### Components').sort()).toEqual([...inCode(/componentLog\([^()]+, '(\w+)'\)/g)].sort());
});

describe('events', () => {
  test('are those of the code', () => {
    expect(rowsBelow(PAGE, '### Events')).toEqual([
      ...Object.keys(HEALTH_EVENTS),
      'event_loop_stalled',
      'audit_anchor',
      'audit_entries_removed',
      'revisions_not_recorded',
      'revisions_removed',
      'revision_retention_failed',
      'audit_retention_failed',
      'audit_log_away',
      'audit_log_works',
      'audit_entries_lost',
    ]);
  });

  test('of stalls have the documented fields', () => {
    const lines: string[] = [];
    let now = 0;
    const sources = { now: () => now, cpu: () => now, longest: () => ({ operation: 'compile', ms: 2_000 }) as const };
    const log = createLog('warn', { write: (line) => void lines.push(line) });
    const watch = new StallWatch({ log, labels: { process: 'supervisor' }, sources });
    now = 3_000;
    watch.check();
    watch.stop();
    const { level, time, msg, event, ...fields } = JSON.parse(lines[0] as string) as Record<string, unknown>;
    const row = PAGE.split('\n').find((line) => line.includes(`\`${String(event)}\``)) ?? '';
    const named = Array.from((row.split('|')[3] ?? '').matchAll(/`(\w+)`/g), ([, name]) => name);
    expect([level, typeof time, typeof msg, Object.keys(fields).sort()]).toEqual(['warn', 'string', 'string', named.sort()]);
  });
});

test('the event names of OTLP are those of the code', () => {
  const source = readFileSync('proxy/telemetry/access-log/further-sinks.ts', 'utf8');
  const kinds = Array.from(source.matchAll(/^const (?:REQUEST|CONNECTION) = '(\w+)'/gm), ([, kind]) => `weir.${kind}`);
  expect(rowsBelow(PAGE, '## Records of OTLP')).toEqual(kinds);
});

test('metrics of losses exist', () => {
  const named = Array.from(PAGE.matchAll(/`(weir_\w+)`/g), ([, name = '']) => name);
  expect(named.filter((name) => !METRICS.includes(`| \`${name}\` |`))).toEqual([]);
  expect(named).toHaveLength(4);
});

test('the fields of security events are those of the code', () => {
  const page = readFileSync('docs/reference/security-events.md', 'utf8');
  const source = readFileSync('proxy/telemetry/security-log.ts', 'utf8');
  const added = Array.from(source.matchAll(/\badd\('(\w+)'/g), ([, name = '']) => name);
  expect(rowsBelow(page, '## Fields').sort()).toEqual([...new Set(['log', 'time', 'event', 'score', ...added])].sort());
});

import { describe, expect, test } from '@jest/globals';
import { Histogram as PromHistogram, Registry } from 'prom-client';
import { CONTENT_TYPES, formatFor, spell } from './exposition.ts';
import { readFamilies } from './metric.ts';
import type { MetricJson } from './metric.ts';

const COUNTER: MetricJson = {
  name: 'weir_request_bytes_total',
  type: 'counter',
  help: 'Bytes of "bodies" \\ lines\nof two',
  values: [{ labels: { route: 'a"\\\n' }, value: 3 }],
};
const HISTOGRAM: MetricJson = {
  name: 'weir_time_seconds',
  type: 'histogram',
  help: 'Time',
  values: [
    { metricName: 'weir_time_seconds_bucket', labels: { le: '0.5' }, value: 1 },
    { metricName: 'weir_time_seconds_bucket', labels: { le: 1 }, value: 2 },
    { metricName: 'weir_time_seconds_bucket', labels: { le: '+Inf' }, value: 2 },
    { metricName: 'weir_time_seconds_sum', labels: {}, value: 0.75 },
    { metricName: 'weir_time_seconds_count', labels: {}, value: 2 },
  ],
};

describe('the text format', () => {
  test('has HELP, TYPE and every series, escaped', async () => {
    expect(await spell([COUNTER], 'text')).toBe(
      '# HELP weir_request_bytes_total Bytes of "bodies" \\\\ lines\\nof two\n' +
        '# TYPE weir_request_bytes_total counter\n' +
        'weir_request_bytes_total{route="a\\"\\\\\\n"} 3\n',
    );
  });

  test('has the same bounds as OpenMetrics', async () => {
    const [text, open] = await Promise.all([spell([HISTOGRAM], 'text'), spell([HISTOGRAM], 'openmetrics')]);
    expect(text).toContain('weir_time_seconds_bucket{le="1.0"} 2\n');
    expect(text.match(/^weir.*$/gm)).toEqual(open.match(/^weir.*$/gm));
  });
});

describe('OpenMetrics', () => {
  test('has the family name of a counter without its ending, the units, and an end', async () => {
    expect(await spell([COUNTER], 'openmetrics')).toBe(
      '# TYPE weir_request_bytes counter\n' +
        '# UNIT weir_request_bytes bytes\n' +
        '# HELP weir_request_bytes Bytes of \\"bodies\\" \\\\ lines\\nof two\n' +
        'weir_request_bytes_total{route="a\\"\\\\\\n"} 3\n' +
        '# EOF\n',
    );
  });

  test('has exemplars, and the text format has none', async () => {
    const exemplar = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', value: 0.25, time: 1_784_000_000_500 };
    const values = [{ metricName: 'weir_time_seconds_bucket', labels: { le: '0.5' }, value: 1, exemplar }];
    expect(await spell([{ ...HISTOGRAM, values }], 'openmetrics')).toContain(
      'weir_time_seconds_bucket{le="0.5"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 0.25 1784000000.5\n',
    );
    expect(await spell([{ ...HISTOGRAM, values }], 'text')).toContain('weir_time_seconds_bucket{le="0.5"} 1\n');
  });

  test('has the histograms of prom-client, which have no exemplars', async () => {
    const registry = new Registry();
    new PromHistogram({ name: 'gc_seconds', help: 'x', registers: [registry] }).observe(0.3);
    expect(await spell(await readFamilies(registry), 'openmetrics')).toContain('gc_seconds_bucket{le="0.5"} 1\n');
  });

  test('omits gauges with the ending of a counter', async () => {
    const gauge: MetricJson = { name: 'nodejs_active_handles_total', type: 'gauge', help: 'x', values: [{ labels: {}, value: 1 }] };
    expect(await spell([gauge], 'openmetrics')).toBe('# EOF\n');
  });

  test.each([
    ['', 'text'],
    ['*/*', 'text'],
    ['text/plain; version=0.0.4', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; q=0.5, text/plain; q=0.4', 'openmetrics'],
    ['application/openmetrics-text;q=0.1,text/plain;q=0.9', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    [
      'APPLICATION/OpenMetrics-Text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
  ] as const)('for Accept: %s it is %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
    expect(CONTENT_TYPES[format]).toContain('charset=utf-8');
  });
});

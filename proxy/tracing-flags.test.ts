// Flags of tracing, and the variables of OpenTelemetry for absent flags.
import { expect, test } from '@jest/globals';
import { caught, FlagValues } from '#lib/flags.ts';
import { readUpConfig } from './config.ts';
import { DEFAULT_TRACING } from './exchange/tracing.ts';
import { readTracing, TRACING_FLAGS } from './tracing-flags.ts';

type Environment = Readonly<Record<string, string>>;

function read(args: readonly string[], environment: Environment) {
  return caught(() => readTracing(new FlagValues(args, TRACING_FLAGS, environment), environment));
}

test('there are defaults for everything', () => {
  expect(read([], {})).toEqual({ ok: true, value: DEFAULT_TRACING });
  expect(read([], { OTEL_TRACES_SAMPLER: '', OTEL_TRACES_SAMPLER_ARG: '', OTEL_PROPAGATORS: ' ' })).toEqual(read([], {}));
});

test.each<[Environment, object]>([
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, { enabled: true, share: 1, parent: 'Ignore' }],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, { enabled: false, share: 0, parent: 'Ignore' }],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { share: 0.25, parent: 'Ignore' },
  ],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio' }, { share: 1 }],
  [{ OTEL_TRACES_SAMPLER: 'ParentBased_Always_On' }, { share: 1, parent: 'Follow' }],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { enabled: true, share: 0, parent: 'Follow' }],
  [
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1e-3' },
    { share: 0.001, parent: 'Follow' },
  ],
  [{ OTEL_PROPAGATORS: 'tracecontext,baggage' }, { propagation: ['W3C'], baggage: true }],
  [{ OTEL_PROPAGATORS: 'b3multi, b3, b3multi' }, { propagation: ['B3Multi', 'B3'], baggage: false }],
])('%j', (environment, expected) => {
  expect(read([], environment)).toMatchObject({ ok: true, value: expected });
});

test('flags win over variables, also flags by their own variables', () => {
  const environment = { OTEL_TRACES_SAMPLER: 'always_off', OTEL_PROPAGATORS: 'b3', WEIR_TRACING_PARENT: 'restart' };
  const args = ['--tracing-sampling', '50', '--tracing-propagation', 'w3c,b3multi'];
  const expected = { enabled: true, share: 0.5, parent: 'Restart', propagation: ['W3C', 'B3Multi'], baggage: true };
  expect(read(args, environment)).toMatchObject({ ok: true, value: expected });
});

test.each<[readonly string[], Environment, string]>([
  [['--tracing-sampling', '101'], {}, '--tracing-sampling: "101"'],
  [['--tracing-propagation', 'jaeger'], {}, '--tracing-propagation: "jaeger" is none of w3c, b3, b3multi'],
  [
    [],
    { OTEL_TRACES_SAMPLER: 'xray' },
    'OTEL_TRACES_SAMPLER: "xray" is none of always_on, always_off, traceidratio, parentbased_always_on',
  ],
  [[], { OTEL_TRACES_SAMPLER: 'constructor' }, 'OTEL_TRACES_SAMPLER: "constructor" is none of'],
  [[], { OTEL_TRACES_SAMPLER_ARG: '0.1' }, 'OTEL_TRACES_SAMPLER_ARG: needs OTEL_TRACES_SAMPLER'],
  [[], { OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: '1' }, 'OTEL_TRACES_SAMPLER_ARG: has no effect with always_on'],
  [[], { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '50%' }, '"50%" is not a number from 0 to 1'],
  [[], { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.1' }, '"1.1" is not a number from 0 to 1'],
  [[], { OTEL_PROPAGATORS: 'tracecontext,jaeger' }, 'OTEL_PROPAGATORS: "jaeger" is none of tracecontext, b3, b3multi, baggage'],
  [[], { OTEL_PROPAGATORS: 'none' }, 'OTEL_PROPAGATORS: "none" is none of'],
  [[], { OTEL_PROPAGATORS: 'baggage' }, 'OTEL_PROPAGATORS: needs one of tracecontext, b3, b3multi'],
])('%j %j is refused', (args, environment, reason) => {
  expect(read(args, environment)).toEqual({ ok: false, error: expect.stringContaining(reason) });
});

test('variables do not matter to a proxy without a collector', () => {
  const environment = { OTEL_TRACES_SAMPLER: 'xray' };
  expect(readUpConfig(['folder'], environment)).toMatchObject({ ok: true, value: { otlp: null, tracing: DEFAULT_TRACING } });
  expect(readUpConfig(['folder', '--otlp-endpoint', 'http://c:1'], environment)).toMatchObject({ ok: false });
});

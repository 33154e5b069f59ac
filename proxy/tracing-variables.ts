// The variables of OpenTelemetry for tracing, which hold for absent flags: OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG and OTEL_PROPAGATORS
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Values that the proxy cannot follow are mistakes.
import { Mistake } from '#lib/flags.ts';
import type { ParentMode, Propagation, TracingSettings } from './exchange/tracing.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A sampler: the decision of callers, and its share; null: that of OTEL_TRACES_SAMPLER_ARG. */
interface Sampler {
  readonly parent: ParentMode;
  readonly share: number | null;
}

const SAMPLERS: Readonly<Record<string, Sampler>> = {
  always_on: { parent: 'Ignore', share: 1 },
  always_off: { parent: 'Ignore', share: 0 },
  traceidratio: { parent: 'Ignore', share: null },
  parentbased_always_on: { parent: 'Follow', share: 1 },
  parentbased_always_off: { parent: 'Follow', share: 0 },
  parentbased_traceidratio: { parent: 'Follow', share: null },
};
const PROPAGATORS: Readonly<Record<string, Propagation>> = { tracecontext: 'W3C', b3: 'B3', b3multi: 'B3Multi' };
const BAGGAGE = 'baggage';

/** What the sampler decides; nothing without one. Throws a Mistake. */
export function readSampler(environment: Environment): Partial<Pick<TracingSettings, 'enabled' | 'share' | 'parent'>> {
  const name = wordOf(environment, 'OTEL_TRACES_SAMPLER');
  const argument = environment['OTEL_TRACES_SAMPLER_ARG']?.trim() ?? '';
  if (name === '' && argument !== '') throw new Mistake('OTEL_TRACES_SAMPLER_ARG: needs OTEL_TRACES_SAMPLER');
  if (name === '') return {};
  const sampler = known(SAMPLERS, name, 'OTEL_TRACES_SAMPLER');
  if (sampler.share !== null && argument !== '') throw new Mistake(`OTEL_TRACES_SAMPLER_ARG: has no effect with ${name}; remove it`);
  // The name says that nothing is kept, also no failures.
  const enabled = name !== 'always_off';
  return { enabled, share: sampler.share ?? shareOf(argument), parent: sampler.parent };
}

/** The headers of trace contexts, and whether baggage passes; nothing without a list. Throws a Mistake. */
export function readPropagators(environment: Environment): Partial<Pick<TracingSettings, 'propagation' | 'baggage'>> {
  const text = wordOf(environment, 'OTEL_PROPAGATORS');
  if (text === '') return {};
  const names = new Set(text.split(',').map((name) => name.trim()));
  const baggage = names.delete(BAGGAGE);
  const propagation = [...names].map((name) => known(PROPAGATORS, name, 'OTEL_PROPAGATORS', [BAGGAGE]));
  if (propagation.length === 0) throw new Mistake(`OTEL_PROPAGATORS: needs one of ${Object.keys(PROPAGATORS).join(', ')}`);
  return { propagation, baggage };
}

/** Names of samplers and propagators have no case. */
function wordOf(environment: Environment, variable: string): string {
  return environment[variable]?.trim().toLowerCase() ?? '';
}

function known<Value>(table: Readonly<Record<string, Value>>, name: string, variable: string, more: readonly string[] = []): Value {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined)
    throw new Mistake(`${variable}: ${JSON.stringify(name)} is none of ${[...Object.keys(table), ...more].join(', ')}`);
  return found;
}

/** 1 without an argument, as OpenTelemetry has it. */
function shareOf(text: string): number {
  if (text === '') return 1;
  const share = /^[0-9.eE-]+$/.test(text) ? Number(text) : NaN;
  if (!(share >= 0 && share <= 1)) throw new Mistake(`OTEL_TRACES_SAMPLER_ARG: ${JSON.stringify(text)} is not a number from 0 to 1`);
  return share;
}

// The flags of tracing: what holds for requests without a policy.
import { Mistake } from '#lib/flags.ts';
import type { Flags, FlagValues } from '#lib/flags.ts';
import { DEFAULT_TRACING } from './exchange/tracing.ts';
import type { ParentMode, Propagation, TracingSettings } from './exchange/tracing.ts';
import { readPropagators, readSampler } from './tracing-variables.ts';
import type { Environment } from './tracing-variables.ts';

const PARENTS: Readonly<Record<string, ParentMode>> = { follow: 'Follow', ignore: 'Ignore', restart: 'Restart' };
const PROPAGATIONS: Readonly<Record<string, Propagation>> = { w3c: 'W3C', b3: 'B3', b3multi: 'B3Multi' };
const SWITCH = ['on', 'off'] as const;

export const TRACING_FLAGS: Flags = {
  'tracing-sampling': {
    default: '1',
    value: 'PERCENT|off',
    text: 'share of traces that is sent to the collector, such as 0.5; off: requests have no spans',
    see: 'tracing.md',
  },
  'tracing-parent': {
    default: 'follow',
    value: 'MODE',
    text: `decision of a caller with a trace context: ${Object.keys(PARENTS).join(', ')}`,
    words: Object.keys(PARENTS),
    see: 'tracing.md#sampling',
  },
  'tracing-errors': { default: 'on', value: 'on|off', text: 'whether spans of failed requests are sent in any case', words: SWITCH },
  'tracing-slower-than': {
    default: '0',
    value: 'TIME',
    text: 'spans of requests that take so long are sent in any case; 0 is none',
  },
  'tracing-propagation': {
    default: 'w3c',
    value: 'LIST',
    text: `headers of trace contexts: the first valid one is read, all are written; of ${Object.keys(PROPAGATIONS).join(', ')}`,
    see: 'tracing.md#headers',
  },
};

/** The flags, and the variables of OpenTelemetry for absent ones. Throws a Mistake. */
export function readTracing(values: FlagValues, environment: Environment): TracingSettings {
  const sampling = values.text('tracing-sampling');
  const { parent, ...sampled } = readSampler(environment);
  return Object.freeze({
    ...DEFAULT_TRACING,
    enabled: sampling !== 'off',
    share: sampling === 'off' ? 0 : shareOf(sampling),
    ...(values.isSet('tracing-sampling') ? {} : sampled),
    parent: parentOf(values, parent),
    errors: values.word('tracing-errors', SWITCH) === 'on',
    slowMs: values.time('tracing-slower-than'),
    propagation: propagationOf(values.text('tracing-propagation')),
    ...(values.isSet('tracing-propagation') ? {} : readPropagators(environment)),
  });
}

function parentOf(values: FlagValues, sampled: ParentMode | undefined): ParentMode {
  const flag = PARENTS[values.word('tracing-parent', Object.keys(PARENTS))] as ParentMode;
  return values.isSet('tracing-parent') ? flag : (sampled ?? flag);
}

function shareOf(text: string): number {
  const percent = /^[0-9]{1,3}(\.[0-9]{1,6})?$/.test(text) ? Number(text) : NaN;
  if (!(percent >= 0 && percent <= 100))
    throw new Mistake(`--tracing-sampling: ${JSON.stringify(text)} is neither a number from 0 to 100 nor off`);
  return percent / 100;
}

function propagationOf(text: string): readonly Propagation[] {
  const names = text.split(',').map((name) => name.trim());
  return names.map((name, i) => {
    const found = Object.hasOwn(PROPAGATIONS, name) ? PROPAGATIONS[name] : undefined;
    if (found === undefined)
      throw new Mistake(`--tracing-propagation: ${JSON.stringify(name)} is none of ${Object.keys(PROPAGATIONS).join(', ')}`);
    if (names.indexOf(name) < i) throw new Mistake(`--tracing-propagation: ${name} is listed twice`);
    return found;
  });
}

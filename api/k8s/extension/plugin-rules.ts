// The rules of a plugin that its schema cannot express.
import { parseDuration } from '#lib/duration.ts';
import { repeated } from '../duplicates.ts';
import type { FieldError } from '../field-error.ts';
import { checkConfig } from './plugin-config.ts';

/** The settings as written, as far as the rules concern them. */
export interface WrittenPlugin {
  readonly mode?: string;
  readonly module?: { readonly key: string };
  readonly config?: Readonly<Record<string, unknown>>;
  readonly configSchema?: Readonly<Record<string, unknown>>;
  readonly backends?: readonly { readonly name: string; readonly backendRef?: unknown }[];
  readonly callTime?: string;
  readonly timeout?: string;
}

const MODULE = /\.m?[jt]s$/;

/** The rules that a plugin violates. */
export function checkPlugin(written: WrittenPlugin | undefined, field: string): FieldError[] {
  if (written === undefined) return [];
  const { config = {}, configSchema, callTime, timeout } = written;
  return [
    ...checkModule(written, field),
    ...checkBackends(written, field),
    ...(configSchema === undefined ? [] : checkConfig(config, configSchema, field)),
    ...checkTime(callTime, 10_000, `${field}.callTime`),
    ...checkTime(timeout, 60_000, `${field}.timeout`),
  ];
}

function checkModule({ mode, module }: WrittenPlugin, field: string): FieldError[] {
  if (module === undefined)
    return mode === 'Disabled' ? [] : [{ field: `${field}.module`, reason: 'is missing: name the entry with the plugin' }];
  return MODULE.test(module.key) ? [] : [{ field: `${field}.module.key`, reason: 'must end with .ts, .mts, .js or .mjs' }];
}

function checkBackends({ backends = [] }: WrittenPlugin, field: string): FieldError[] {
  return [
    ...repeated(backends.map(({ name }) => name)).map((i) => ({ field: `${field}.backends[${i}].name`, reason: 'is listed twice' })),
    ...backends.flatMap(({ backendRef }, i) =>
      backendRef === undefined ? [{ field: `${field}.backends[${i}].backendRef`, reason: 'is missing: name the backend' }] : [],
    ),
  ];
}

function checkTime(text: string | undefined, most: number, field: string): FieldError[] {
  const time = text === undefined ? null : parseDuration(text);
  if (time === null || !time.ok || (time.value >= 1 && time.value <= most)) return [];
  return [{ field, reason: `must be from 1ms to ${most / 1_000}s` }];
}

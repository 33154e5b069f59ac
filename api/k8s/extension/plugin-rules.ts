// The rules of a plugin and of a WebAssembly module that their schemas cannot express.
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

/** The same of a WebAssembly module. */
export interface WrittenWasm extends WrittenPlugin {
  readonly configText?: string;
}

/** Names of entries with modules, and their description. */
const SCRIPT = [/\.m?[jt]s$/, '.ts, .mts, .js or .mjs'] as const;
const WASM = [/\.wasm(?:\.gz)?$/, '.wasm or .wasm.gz'] as const;

/** The rules that a plugin violates. */
export function checkPlugin(written: WrittenPlugin | undefined, field: string): FieldError[] {
  return written === undefined ? [] : checkAny(written, SCRIPT, field);
}

/** The rules that a WebAssembly module violates. */
export function checkWasm(written: WrittenWasm | undefined, field: string): FieldError[] {
  if (written === undefined) return [];
  const isTwice = written.config !== undefined && written.configText !== undefined;
  const twice = isTwice ? [{ field: `${field}.configText`, reason: 'must be absent if there is config' }] : [];
  const isUnread = written.configText !== undefined && written.configSchema !== undefined && written.config === undefined;
  const unread = isUnread ? [{ field: `${field}.configSchema`, reason: 'has no effect on configText: write config' }] : [];
  return [...checkAny(written, WASM, field), ...twice, ...unread];
}

type ModuleName = readonly [pattern: RegExp, description: string];

function checkAny(written: WrittenPlugin, name: ModuleName, field: string): FieldError[] {
  const { config = {}, configSchema, callTime, timeout } = written;
  return [
    ...checkModule(written, name, field),
    ...checkBackends(written, field),
    ...(configSchema === undefined ? [] : checkConfig(config, configSchema, field)),
    ...checkTime(callTime, 10_000, `${field}.callTime`),
    ...checkTime(timeout, 60_000, `${field}.timeout`),
  ];
}

function checkModule({ mode, module }: WrittenPlugin, [pattern, description]: ModuleName, field: string): FieldError[] {
  if (module === undefined)
    return mode === 'Disabled' ? [] : [{ field: `${field}.module`, reason: 'is missing: name the entry with the plugin' }];
  return pattern.test(module.key) ? [] : [{ field: `${field}.module.key`, reason: `must end with ${description}` }];
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

// The plugins that a proxy tells: lines of JSON in the answer to the command `plugins`.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { MAX_NAME } from './telemetry-limits.ts';

const Name = Type.String({ maxLength: MAX_NAME });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/**
 * Where a plugin runs. `starting`: its thread has not run the module yet. `stopped`: its thread has ended, and starts again after a pause or
 * with another module. `missing`: there is no module.
 */
export const PLUGIN_PLACES = ['loop', 'thread', 'starting', 'stopped', 'missing'] as const;

const PluginLine = Type.Object({
  /** `<Kind>/<namespace>/<name>`. */
  policy: Name,
  plugin: Name,
  language: Type.Enum(['javascript', 'typescript', 'wasm']),
  /** The beginning of the SHA-256 of the module; '' without one. */
  version: Name,
  place: Type.Enum([...PLUGIN_PLACES]),
  /** Why it is stopped; ''. */
  reason: Name,
  /** Workers where it is so. */
  workers: Count,
  /** Calls of its hooks since the workers started, by all versions, and those that failed. */
  calls: Count,
  failures: Count,
  /** Isolates that ended before their calls. */
  crashes: Count,
});

/** A plugin in one state. */
export type PluginLine = Readonly<Static<typeof PluginLine>>;

/** Whether a proxy may say so. */
export function isPluginLine(line: unknown): line is PluginLine {
  return fits(PluginLine, line);
}

/** The lines of all workers of a proxy: one for each plugin, version and place. */
export class PluginSums {
  readonly #lines = new Map<string, PluginLine>();
  readonly #max: number;

  /** `max`: the most lines; others are left out. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Sorted by policy and plugin. */
  get lines(): readonly PluginLine[] {
    return [...this.#lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  }

  add(line: PluginLine): void {
    const key = [line.policy, line.plugin, line.version, line.place].join('\n');
    const known = this.#lines.get(key);
    if (known === undefined && this.#lines.size >= this.#max) return;
    this.#lines.set(key, known === undefined ? line : sumOf(known, line));
  }
}

function sumOf(one: PluginLine, other: PluginLine): PluginLine {
  return {
    ...one,
    reason: one.reason || other.reason,
    workers: one.workers + other.workers,
    calls: one.calls + other.calls,
    failures: one.failures + other.failures,
    crashes: one.crashes + other.crashes,
  };
}

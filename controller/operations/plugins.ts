// The resource /plugins: the plugins of users at all proxies, where they run, and what was counted of them.
import { Type } from '#lib/typebox.ts';
import { isPluginLine, type PluginLine } from '#api/wire/plugin-lines.ts';
import { ok } from '#lib/result.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandLines, type Commanding } from './command-lines.ts';
import { operation, type Operation, type Outcome } from './operation.ts';

/** Plugins in an answer. */
const MAX_PLUGINS = 10_000;

/** The answer of `GET /plugins`. */
export interface PluginList {
  /** One for each plugin, version and place at a proxy, sorted by policy and plugin. */
  readonly plugins: readonly (PluginLine & { readonly proxy: string })[];
  /** Plugins that have no room in the answer. */
  readonly more: number;
  /** Proxies that do not tell their plugins. */
  readonly missing: readonly ProxyEnd[];
}

/** `GET /plugins`. */
export function pluginOperations(fleet: Commanding): readonly Operation[] {
  return [operation('GET /plugins', Type.Object({}, { additionalProperties: false }), () => list(fleet))];
}

async function list(fleet: Commanding): Promise<Outcome> {
  const plugins: (PluginLine & { readonly proxy: string })[] = [];
  let more = 0;
  const ends = await commandLines(fleet, { action: 'plugins', plugins: {} }, (proxy, line) => {
    if (!isPluginLine(line)) return;
    if (plugins.length < MAX_PLUGINS) plugins.push({ ...line, proxy });
    else more++;
  });
  const sorted = plugins.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  return ok({ plugins: sorted, more, missing: ends.filter(({ outcome }) => outcome !== 'done') } satisfies PluginList);
}

function keyOf({ policy, plugin, proxy, version, place }: PluginList['plugins'][number]): string {
  return [policy, plugin, proxy, version, place].join('\n');
}

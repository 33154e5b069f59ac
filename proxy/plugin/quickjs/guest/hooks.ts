// The hooks of the plugin.
import type { Plugin, PluginContext } from '../../../../sdk/index.ts';
import type { CallMessage, ScriptHook } from '../../message.ts';
import type { ExchangeState } from './exchanges.ts';
import type { Request, Response } from './heads.ts';

/** The plugin. */
export let plugin: Plugin;

/** Takes the plugin. Returns the names of its hooks. */
export function load(exported: unknown, hooks: readonly string[]): string {
  if (typeof exported !== 'object' || exported === null) throw new TypeError('the module has no default export with hooks');
  const strange = Object.keys(exported).find((name) => !hooks.includes(name));
  if (strange !== undefined) throw new TypeError(`the plugin has no hook ${strange}: it may have ${hooks.join(', ')}`);
  plugin = exported as Plugin;
  const found = hooks.filter((name) => typeof plugin[name as keyof Plugin] === 'function');
  if (found.length === 0) throw new TypeError('the plugin has no hook');
  for (const message of ['Request', 'Response'])
    if (found.includes(`on${message}Body`) && found.includes(`on${message}Chunk`))
      throw new TypeError(`the plugin has on${message}Body and on${message}Chunk: it may have one of them`);
  return JSON.stringify(found);
}

type Run = (message: CallMessage, state: ExchangeState, body: Uint8Array, context: PluginContext) => unknown;

const RUNS: Readonly<Record<ScriptHook, Run>> = {
  onRequest: (_, { request }, __, context) => plugin.onRequest?.(request as Request, context),
  onRequestBody: (_, { request }, body, context) => plugin.onRequestBody?.(body, request as Request, context),
  onRequestChunk: ({ isLast = false }, { request }, body, context) =>
    plugin.onRequestChunk?.(body, { isLast }, request as Request, context),
  onResponse: (_, { request, response }, __, context) => plugin.onResponse?.(response as Response, request as Request, context),
  onResponseBody: (_, { request, response }, body, context) =>
    plugin.onResponseBody?.(body, response as Response, request as Request, context),
  onResponseChunk: ({ isLast = false }, { response }, body, context) =>
    plugin.onResponseChunk?.(body, { isLast }, response as Response, context),
};

/** Runs the hook of a message. */
export function run(message: CallMessage, state: ExchangeState, body: Uint8Array): unknown {
  state.request?.open(message.hook === 'onRequest' || message.hook === 'onRequestBody');
  state.response?.open(message.hook === 'onResponse' || message.hook === 'onResponseBody');
  return RUNS[message.hook as ScriptHook](message, state, body, state.context);
}

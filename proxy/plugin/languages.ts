// The languages of plugins, each with its isolate.
import { err, ok, type Result } from '#lib/result.ts';
import type { WasmSettings } from '../exchange/plugins.ts';
import type { Isolate, IsolateOptions, RunLater } from './isolate.ts';
import type { Envelope, ThreadData } from './message.ts';
import { compileEngine } from './quickjs/engine.ts';
import { javascriptOf } from './quickjs/javascript.ts';
import { QuickJsIsolate } from './quickjs/quickjs-isolate.ts';
import { compiledModule } from './wasm/compiled-module.ts';
import { WasmIsolate } from './wasm/wasm-isolate.ts';

/** Opens an isolate whose messages go to `send`; `runLater` runs what it does by itself, under the watch of its thread. */
export type OpenIsolate = (send: (envelope: Envelope) => void, runLater: RunLater) => Isolate;

type Language = ThreadData['language'];

const LANGUAGES: Readonly<Record<Language, (data: ThreadData) => Promise<Result<OpenIsolate>>>> = {
  javascript: (data) => openQuickJs(data),
  typescript: (data) => openQuickJs(data),
  wasm: (data) => openWasm(data),
};

/** Prepares the isolate of a plugin. The reason if its module cannot be used. */
export function openIsolate(data: ThreadData): Promise<Result<OpenIsolate>> {
  return LANGUAGES[data.language](data);
}

async function openQuickJs(data: ThreadData): Promise<Result<OpenIsolate>> {
  const source = javascriptOf(data);
  if (!source.ok) return err(source.error);
  const open = await QuickJsIsolate.prepare(data.engine ?? (await compileEngine()));
  return ok((send) => open({ ...optionsOf(data), source: source.value, send }));
}

async function openWasm(data: ThreadData): Promise<Result<OpenIsolate>> {
  const module = await compiledModule(data);
  if (!module.ok) return module;
  const { name, backends, wasm, source } = data;
  const settings = wasm as WasmSettings;
  return ok((send, runLater) => new WasmIsolate(module.value, { ...optionsOf(data), source, name, backends, settings, send }, runLater));
}

function optionsOf({ config, callTime, memory }: ThreadData): Omit<IsolateOptions, 'source' | 'send'> {
  return { config, callTime, memory };
}

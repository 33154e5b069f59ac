// The languages of plugins, each with its isolate.
import { err, ok, type Result } from '#lib/result.ts';
import type { Isolate, IsolateOptions } from './isolate.ts';
import type { Envelope, ThreadData } from './message.ts';
import { javascriptOf } from './quickjs/javascript.ts';
import { loadEngine, QuickJsIsolate } from './quickjs/quickjs-isolate.ts';

/** Opens an isolate whose messages go to `send`. */
export type OpenIsolate = (send: (envelope: Envelope) => void) => Isolate;

type Language = ThreadData['language'];

const LANGUAGES: Readonly<Record<Language, (data: ThreadData) => Promise<Result<OpenIsolate>>>> = {
  javascript: (data) => openQuickJs(data),
  typescript: (data) => openQuickJs(data),
};

/** Prepares the isolate of a plugin. The reason if its module cannot be used. */
export function openIsolate(data: ThreadData): Promise<Result<OpenIsolate>> {
  return LANGUAGES[data.language](data);
}

async function openQuickJs(data: ThreadData): Promise<Result<OpenIsolate>> {
  const source = javascriptOf(data);
  if (!source.ok) return err(source.error);
  const engine = await loadEngine();
  return ok((send) => new QuickJsIsolate(engine, { ...optionsOf(data), source: source.value, send }));
}

function optionsOf({ config, callTime, memory }: ThreadData): Omit<IsolateOptions, 'source' | 'send'> {
  return { config, callTime, memory };
}

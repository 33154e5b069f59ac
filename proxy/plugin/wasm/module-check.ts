// Starts a module as a proxy does, for its author.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { err, ok, type Result } from '#lib/result.ts';
import type { Hook } from '../message.ts';
import { PluginIsolate } from '../plugin-isolate.ts';

const MEMORY = 256 * 1_048_576;
const KEEP_ALIVE_MS = 1_000;
const SETTINGS = {
  rootId: '',
  requestBody: 'Streamed',
  responseBody: 'Streamed',
  logLevel: 0,
  sha256: '',
  maxBodySize: 1_048_576,
} as const;

/** The hooks of the module in a file, which gets an empty configuration; or the reason why it cannot be used. */
export async function checkModule(file: string): Promise<Result<readonly Hook[]>> {
  const isolate = new PluginIsolate({
    ...{ source: readFileSync(file), language: 'wasm', name: path.basename(file), config: '', backends: [], wasm: SETTINGS },
    ...{ callTime: 10_000, timeout: 10_000, memory: MEMORY },
    asked: () => undefined,
    crashed: () => undefined,
    ...{ quick: () => undefined, engine: null, probation: 0 },
  });
  // The thread of an isolate does not keep its process.
  const alive = setInterval(() => undefined, KEEP_ALIVE_MS);
  const reason = await isolate.ready();
  clearInterval(alive);
  const hooks = [...(isolate.hooks ?? [])];
  isolate.close();
  return reason === null ? ok(hooks) : err(reason);
}

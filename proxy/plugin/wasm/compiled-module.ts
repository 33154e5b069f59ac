// A module as the policy has it, checked and compiled.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { err, ok, type Result } from '#lib/result.ts';
import type { ThreadData } from '../message.ts';
import { limitedModule, MAX_MODULE } from './module-bytes.ts';

const GZIP = [0x1f, 0x8b] as const;

/** Compiles the module of a plugin. The reason if it cannot be used. */
export async function compiledModule({
  source,
  memory,
  wasm,
}: Pick<ThreadData, 'source' | 'memory' | 'wasm'>): Promise<Result<WebAssembly.Module>> {
  const bytes = unpacked(Buffer.from(source));
  if (!bytes.ok) return bytes;
  const wanted = wasm?.sha256.toLowerCase() ?? '';
  const digest = createHash('sha256').update(source).digest('hex');
  if (wanted !== '' && wanted !== digest) return err(`the module has the SHA-256 ${digest}, not the one that the policy names`);
  const limited = limitedModule(bytes.value, memory);
  if (!limited.ok) return limited;
  try {
    return ok(await WebAssembly.compile(limited.value));
  } catch (error) {
    return err(error instanceof Error ? error.message.slice(0, 500) : 'the module cannot be compiled');
  }
}

/** An entry of a ConfigMap may be compressed: modules of some languages have more than its 1 MiB. */
function unpacked(bytes: Buffer): Result<Buffer> {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return ok(bytes);
  try {
    return ok(gunzipSync(bytes, { maxOutputLength: MAX_MODULE }));
  } catch {
    return err(`the module is compressed, and cannot be read or has more than ${MAX_MODULE} bytes`);
  }
}

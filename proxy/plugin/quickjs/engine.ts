// The engine: QuickJS, compiled to WebAssembly, with a meter in all of its loops.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { newQuickJSWASMModuleFromVariant, type QuickJSSyncVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core';
import release from '@jitl/quickjs-wasmfile-release-sync';
import { metered, TICK } from '../metering/meter.ts';

/** Compiles the engine, once for all isolates of a process. */
export async function compileEngine(): Promise<WebAssembly.Module> {
  const file = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
  return WebAssembly.compile(metered(await readFile(file)));
}

/** The types of the package are those for CommonJS, where its export has another shape. */
const variant = release as unknown as QuickJSSyncVariant;

type Instantiated = (instance: WebAssembly.Instance) => void;
type LoadEngine = (options: { readonly instantiateWasm: (imports: WebAssembly.Imports, done: Instantiated) => void }) => unknown;

/** An engine with a memory of its own. */
export interface Engine {
  readonly quickJs: QuickJSWASMModule;
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

/** Starts an engine. `look` returns the turns of loops until the next look, or throws. */
export async function newEngine(module: WebAssembly.Module, look: () => number): Promise<Engine> {
  const load = (await variant.importModuleLoader()) as unknown as LoadEngine;
  let memory: WebAssembly.Memory | null = null;
  const instantiateWasm = (imports: WebAssembly.Imports, done: Instantiated): void => {
    memory = memoryOf(imports);
    done(new WebAssembly.Instance(module, { ...imports, [TICK.module]: { [TICK.name]: look } }));
  };
  const loader = (() => load({ instantiateWasm })) as unknown as Awaited<ReturnType<QuickJSSyncVariant['importModuleLoader']>>;
  const quickJs = await newQuickJSWASMModuleFromVariant({ ...variant, importModuleLoader: () => Promise.resolve(loader) });
  if (memory === null) throw new Error('the engine imports no memory');
  return { quickJs, memory, module };
}

function memoryOf(imports: WebAssembly.Imports): WebAssembly.Memory | null {
  const all = Object.values(imports).flatMap((members) => Object.values(members));
  return all.find((each) => typeof each === 'object') ?? null;
}

// A module at work: its instance, with the functions that it may import, and its own functions with what they may throw.
import { err, ok, type Result } from '#lib/result.ts';
import { bufferFunctions } from './host-buffers.ts';
import { callFunctions } from './host-calls.ts';
import { generalFunctions } from './host-general.ts';
import { mapFunctions } from './host-maps.ts';
import { sharedFunctions } from './host-shared.ts';
import { streamFunctions } from './host-streams.ts';
import type { ModuleState } from './module-state.ts';
import type { OutgoingCalls } from './outgoing-calls.ts';
import { ProcessExit } from './exit.ts';
import { StatusError, type HostFunctions, type Status } from './status.ts';
import { WASI_MODULE, wasiFunctions } from './wasi.ts';

const HOST_MODULE = 'env';
const ABI_VERSIONS = ['proxy_abi_version_0_2_1', 'proxy_abi_version_0_2_0'];
/** Levels of the ABI. */
const INFO = 2;
const ERROR = 4;

type HostFunction = (...values: never[]) => unknown;
type GuestFunction = (...values: number[]) => unknown;

/** All functions of the ABI. */
export function hostFunctions(state: ModuleState, calls: OutgoingCalls): Readonly<Record<string, HostFunction>> {
  const all: HostFunctions = {
    ...{ ...generalFunctions(state), ...mapFunctions(state), ...bufferFunctions(state), ...streamFunctions(state) },
    ...{ ...callFunctions(state, calls), ...sharedFunctions(state) },
  };
  return Object.fromEntries(Object.entries(all).map(([name, implementation]) => [name, answering(implementation)]));
}

/** What is wrong with the arguments is a status. */
function answering(implementation: (...values: never[]) => Status): HostFunction {
  return (...values) => {
    try {
      return implementation(...values);
    } catch (error) {
      if (error instanceof StatusError) return error.status;
      throw error;
    }
  };
}

export class GuestModule {
  readonly #exports: WebAssembly.Exports;

  private constructor(exports: WebAssembly.Exports) {
    this.#exports = exports;
  }

  /** Starts a module. The reason if it does not run, or is none of the ABI. */
  static start(module: WebAssembly.Module, state: ModuleState, calls: OutgoingCalls): Result<GuestModule> {
    const own = { [HOST_MODULE]: hostFunctions(state, calls), [WASI_MODULE]: wasiFunctions(state.memory, printer(state)) };
    const problem = problemOf(module, own);
    if (problem !== null) return err(problem);
    try {
      const { exports } = new WebAssembly.Instance(module, own);
      const guest = new GuestModule(exports);
      state.memory.attach(exports['memory'] as WebAssembly.Memory, guest.#allocator());
      guest.#initialise();
      return ok(guest);
    } catch (error) {
      return err(reasonOf(error));
    }
  }

  has(name: string): boolean {
    return typeof this.#exports[name] === 'function';
  }

  /** Calls a function of the module; `otherwise`: what it returns if there is none. Throws what it throws. */
  call(name: string, values: readonly number[], otherwise: number): number {
    const found = this.#exports[name];
    if (typeof found !== 'function') return otherwise;
    const result = (found as GuestFunction)(...values);
    return typeof result === 'number' ? result : otherwise;
  }

  #allocator(): ((size: number) => unknown) | null {
    const found = this.#exports['proxy_on_memory_allocate'] ?? this.#exports['malloc'];
    return typeof found === 'function' ? (found as GuestFunction) : null;
  }

  #initialise(): void {
    if (!this.has('_initialize')) return void this.#runStart();
    this.call('_initialize', [], 0);
    this.call('main', [0, 0], 0);
  }

  /** A program that ends well has started. */
  #runStart(): void {
    try {
      this.call('_start', [], 0);
    } catch (error) {
      if (!(error instanceof ProcessExit) || error.code !== 0) throw error;
    }
  }
}

function problemOf(module: WebAssembly.Module, own: WebAssembly.Imports): string | null {
  const exported = WebAssembly.Module.exports(module);
  const has = (name: string, kind: string): boolean => exported.some((each) => each.name === name && each.kind === kind);
  if (!ABI_VERSIONS.some((name) => has(name, 'function')))
    return 'the module does not export proxy_abi_version_0_2_1: it is not for the proxy-wasm ABI 0.2';
  if (!has('memory', 'memory')) return 'the module does not export its memory';
  const strange = WebAssembly.Module.imports(module).find(
    ({ module: from, name }) => !Object.hasOwn(own, from) || !Object.hasOwn(own[from] ?? {}, name),
  );
  if (strange === undefined) return null;
  return `the module imports ${strange.module.slice(0, 100)}.${strange.name.slice(0, 100)}, which is no function of the proxy-wasm ABI 0.2.1`;
}

function printer(state: ModuleState): (text: string, isError: boolean) => void {
  return (text, isError) => {
    for (const line of text.split('\n')) if (line.trim() !== '') state.log(isError ? ERROR : INFO, line);
  };
}

/** The text of what a module threw. */
export function reasonOf(error: unknown): string {
  if (error instanceof ProcessExit) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : 'a value that is no error';
}

// The part of the WebAssembly API that modules need: the types of Node.js have none of it.
declare namespace WebAssembly {
  class Memory {
    private constructor();
    readonly buffer: ArrayBuffer;
  }

  interface Descriptor {
    readonly name: string;
    readonly kind: 'function' | 'table' | 'memory' | 'global' | 'tag';
  }

  type Exports = Readonly<Record<string, unknown>>;
  type Imports = Readonly<Record<string, Readonly<Record<string, Memory | ((...values: never[]) => unknown)>>>>;

  class Module {
    static exports(module: Module): readonly Descriptor[];
    static imports(module: Module): readonly (Descriptor & { readonly module: string })[];
  }

  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Exports;
  }

  function compile(bytes: Uint8Array): Promise<Module>;
}

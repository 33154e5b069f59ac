// The descriptors of a policy in a proxy, of an entry of a ConfigMap or of a backend: read once for each version. A version that cannot be
// read changes nothing: the last one that could stays in use.
import type { BindingTable } from '#api/grpc-json/binding-table.ts';
import { readDescriptors, tableOf, usableDescriptors, type Descriptors } from '#api/grpc-json/descriptors.ts';
import type { Schema } from '#lib/protobuf/types.ts';
import type { DataReference } from '../../exchange/object-data.ts';
import type { FilterDependencies } from '../filter.ts';
import { reflectedSchema } from '../grpc-reflection/reflected-schema.ts';

/** One version. */
export interface ServedDescriptors {
  readonly schema: Schema;
  readonly table: BindingTable;
}

export interface ServedMethods {
  /** Null: all services. */
  readonly services: readonly string[] | null;
  /** Requests to the paths of gRPC itself are calls too. */
  readonly hasMethodPaths: boolean;
}

/** The settings of a source: at most one of them is set. */
export interface SourceSettings {
  readonly descriptors?: DataReference;
  readonly reflection?: { readonly cluster?: string };
}

/** The descriptors, now. */
interface DescriptorSource {
  /** Null: there are none that can be used. */
  read(): Descriptors | null;
  /** Resolves when there are some, if there may be some soon. */
  refresh(): Promise<void>;
  onChange(listener: () => void): () => void;
  close(): void;
}

type Dependencies = Pick<FilterDependencies, 'data' | 'ask' | 'outside'>;

export class DescriptorsInUse {
  readonly #source: DescriptorSource | null;
  readonly #served: ServedMethods;
  readonly #stop: () => void;
  #current: ServedDescriptors | null = null;

  constructor(settings: SourceSettings, served: ServedMethods, dependencies: Dependencies) {
    const source = sourceOf(settings, dependencies);
    this.#source = source;
    this.#served = served;
    this.#stop = source === null ? () => undefined : source.onChange(() => this.#read());
    this.#read();
  }

  /** Null: there was no version that can be read. */
  get current(): ServedDescriptors | null {
    return this.#current;
  }

  /** The first version, if there may be one soon. */
  async first(): Promise<ServedDescriptors | null> {
    await this.#source?.refresh();
    return this.#current;
  }

  close(): void {
    this.#stop();
    this.#source?.close();
  }

  #read(): void {
    const read = this.#source?.read() ?? null;
    if (read === null) return;
    const { services, hasMethodPaths } = this.#served;
    this.#current = { schema: read.schema, table: tableOf(read, services, hasMethodPaths) };
  }
}

function sourceOf({ descriptors, reflection }: SourceSettings, dependencies: Dependencies): DescriptorSource | null {
  if (descriptors !== undefined) return ofEntry(descriptors, dependencies);
  return reflection === undefined ? null : ofBackend(reflection.cluster ?? '', dependencies);
}

function ofEntry(reference: DataReference, { data }: Dependencies): DescriptorSource {
  const handle = data.handle(reference);
  return {
    read() {
      const read = handle.value === null ? null : readDescriptors(handle.value);
      return read?.ok === true ? read.value : null;
    },
    refresh: () => Promise.resolve(),
    onChange: (listener) => handle.onChange(listener),
    close: () => undefined,
  };
}

/** No condition tells the faults of a backend: its other bindings have effect. */
function ofBackend(cluster: string, dependencies: Dependencies): DescriptorSource {
  const handle = reflectedSchema(cluster, dependencies);
  return {
    read: () => (handle.value === null ? null : usableDescriptors(handle.value)),
    refresh: () => handle.refresh(),
    onChange: (listener) => handle.onChange(listener),
    close: () => handle.close(),
  };
}

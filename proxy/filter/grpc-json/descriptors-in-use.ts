// The descriptors of a policy in a proxy: read once for each version. A version that cannot be read changes nothing: the last one that could
// stays in use.
import type { BindingTable } from '#api/grpc-json/binding-table.ts';
import { readDescriptors, tableOf } from '#api/grpc-json/descriptors.ts';
import type { Schema } from '#lib/protobuf/types.ts';
import type { DataHandle } from '../../exchange/object-data.ts';

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

export class DescriptorsInUse {
  readonly #handle: DataHandle | null;
  readonly #served: ServedMethods;
  readonly #stop: () => void;
  #current: ServedDescriptors | null = null;

  /** `handle` null: the policy has no reference. */
  constructor(handle: DataHandle | null, served: ServedMethods) {
    this.#handle = handle;
    this.#served = served;
    this.#stop = handle === null ? () => undefined : handle.onChange(() => this.#read());
    this.#read();
  }

  /** Null: there was no version that can be read. */
  get current(): ServedDescriptors | null {
    return this.#current;
  }

  close(): void {
    this.#stop();
  }

  #read(): void {
    const bytes = this.#handle?.value ?? null;
    const read = bytes === null ? null : readDescriptors(bytes);
    if (read?.ok !== true) return;
    const { services, hasMethodPaths } = this.#served;
    this.#current = { schema: read.value.schema, table: tableOf(read.value, services, hasMethodPaths) };
  }
}

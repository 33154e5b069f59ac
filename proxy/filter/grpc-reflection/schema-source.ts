// Where the types of gRPC services come from: an entry of a ConfigMap, or the backend itself.
import { readDescriptorSet } from '#lib/protobuf/descriptor-set.ts';
import type { Schema } from '#lib/protobuf/types.ts';
import type { DataHandle, DataReference } from '../../exchange/object-data.ts';
import type { DocumentHandle } from '../../exchange/outside.ts';
import type { FilterDependencies } from '../filter.ts';
import { reflectedSchema } from './reflected-schema.ts';

/** The settings of a source; one of them is set. */
export interface SchemaSettings {
  readonly descriptors?: DataReference;
  readonly reflection?: { readonly cluster?: string };
}

/** The types that a source has now. */
export type SchemaSource = Pick<DocumentHandle<Schema>, 'value' | 'problem' | 'refresh' | 'close'>;

/** The source of these settings. */
export function schemaSource(
  { descriptors, reflection }: SchemaSettings,
  dependencies: Pick<FilterDependencies, 'ask' | 'outside' | 'data'>,
): SchemaSource {
  if (descriptors !== undefined) return new EntrySchema(dependencies.data.handle(descriptors));
  return reflectedSchema(reflection?.cluster ?? '', dependencies);
}

/** A version that cannot be read changes nothing: the last one that could stays in use. */
class EntrySchema implements SchemaSource {
  readonly #handle: DataHandle;
  readonly #stop: () => void;
  value: Schema | null = null;
  problem = '';

  constructor(handle: DataHandle) {
    this.#handle = handle;
    this.#stop = handle.onChange(() => this.#read());
    this.#read();
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#stop();
  }

  #read(): void {
    const bytes = this.#handle.value;
    const read = bytes === null ? null : readDescriptorSet(bytes);
    this.problem = read === null ? 'is missing' : read.ok ? '' : read.error;
    if (read?.ok === true) this.value = read.value;
  }
}

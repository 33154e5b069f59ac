// The rules of an ExtensionPolicy that its schema cannot express.
import type { FieldError } from '../field-error.ts';
import { checkPlugin, checkWasm, type WrittenPlugin, type WrittenWasm } from './plugin-rules.ts';
import { checkPosition } from './position.ts';
import { checkProcessor } from './processor.ts';

/** The settings as written, as far as rules concern them. */
export interface WrittenExtensions {
  readonly position?: Parameters<typeof checkPosition>[0];
  readonly plugin?: WrittenPlugin;
  readonly wasm?: WrittenWasm;
  readonly processor?: Parameters<typeof checkProcessor>[0];
}

/** The rules that the extensions violate. */
export function checkExtensions({ position, processor, plugin, wasm }: WrittenExtensions): FieldError[] {
  return [
    ...checkPosition(position, 'spec.position'),
    ...checkProcessor(processor, 'spec.processor'),
    ...checkPlugin(plugin, 'spec.plugin'),
    ...checkWasm(wasm, 'spec.wasm'),
  ];
}

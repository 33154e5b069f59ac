// The properties of an exchange and of its plugin, as bytes of the ABI.
import { serialized, type HeaderMap } from './header-map.ts';
import type { ModuleState } from './module-state.ts';
import type { StreamContext } from './stream-context.ts';

/** Inbound, by Envoy's numbers. */
const LISTENER_DIRECTION = 1;

/** The bytes of a property; null: there is none. */
export function propertyOf(state: ModuleState, path: readonly string[]): Buffer | null {
  const name = path.join('.');
  const ofPlugin = PLUGIN_PROPERTIES.get(name);
  if (ofPlugin !== undefined) return encoded(ofPlugin(state));
  const { stream } = state;
  if (stream === null) return null;
  const list = MAPS.get(path.slice(0, 2).join('.'))?.(stream)?.list;
  return stream.own.get(name) ?? (list === undefined ? valueOf(stream, name) : mapProperty(list, path.slice(2)));
}

function valueOf({ response, attributes }: StreamContext, name: string): Buffer | null {
  const code = name === 'response.code' ? response.head?.get(':status') : undefined;
  const value = code === undefined ? attributes[name] : Number(code);
  return value === undefined ? null : encoded(value);
}

const PLUGIN_PROPERTIES: ReadonlyMap<string, (state: ModuleState) => string | number> = new Map<
  string,
  (state: ModuleState) => string | number
>([
  ['plugin_name', ({ options }) => options.name],
  ['plugin_root_id', ({ options }) => options.settings.rootId],
  ['plugin_vm_id', ({ options }) => options.name],
  ['listener_direction', () => LISTENER_DIRECTION],
]);

const MAPS: ReadonlyMap<string, (stream: StreamContext) => HeaderMap | null> = new Map([
  ['request.headers', ({ request }: StreamContext) => request.head],
  ['request.trailers', ({ request }: StreamContext) => request.trailers],
  ['response.headers', ({ response }: StreamContext) => response.head],
  ['response.trailers', ({ response }: StreamContext) => response.trailers],
]);

/** All pairs, or the value of one. */
function mapProperty(list: readonly string[], [name]: readonly string[]): Buffer | null {
  if (name === undefined) return serialized(list);
  const at = list.findIndex((each, i) => i % 2 === 0 && each === name.toLowerCase());
  return at < 0 ? null : Buffer.from(list[at + 1] as string, 'latin1');
}

/** A text, a 64-bit integer, or one byte for true and false. */
function encoded(value: string | number | boolean): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'latin1');
  if (typeof value === 'boolean') return Buffer.from([value ? 1 : 0]);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(Math.trunc(value)));
  return bytes;
}

// Host functions about headers and trailers.
import { HeaderMap, parsed, serialized } from './header-map.ts';
import type { ModuleState } from './module-state.ts';
import { STATUS, StatusError, type HostFunctions } from './status.ts';

/** Bytes of a name, of a value, and of all pairs. */
const MAX_NAME = 1_024;
const MAX_VALUE = 65_536;
const MAX_PAIRS_SIZE = 262_144;

/** proxy_map_type_t, from 0 on. */
const MAPS: readonly ((state: ModuleState) => HeaderMap | null)[] = [
  ({ stream }) => stream?.request.head ?? null,
  ({ stream }) => stream?.request.trailers ?? null,
  ({ stream }) => stream?.response.head ?? null,
  ({ stream }) => stream?.response.trailers ?? null,
  ({ received }) => (received.isGrpc ? received.headers : null),
  ({ received }) => (received.isGrpc ? received.trailers : null),
  ({ received }) => (received.isGrpc ? null : received.headers),
  ({ received }) => (received.isGrpc ? null : received.trailers),
];
const EMPTY = new HeaderMap([]);
EMPTY.isOpen = false;

/** A map that is not there is empty: a message may have no trailers. */
function mapOf(state: ModuleState, type: number): HeaderMap {
  const find = MAPS[type];
  if (find === undefined) throw new StatusError(STATUS.badArgument);
  return find(state) ?? EMPTY;
}

export function mapFunctions(state: ModuleState): HostFunctions {
  const { memory } = state;
  const text = (pointer: number, size: number, most: number): string => memory.latin1(pointer, size, most);
  return {
    proxy_get_header_map_size: (type: number, sizeAt: number) => {
      memory.writeU32(sizeAt, serialized(mapOf(state, type).list).length);
      return STATUS.ok;
    },
    proxy_get_header_map_pairs: (type: number, addressAt: number, sizeAt: number) => {
      memory.give(serialized(mapOf(state, type).list), addressAt, sizeAt);
      return STATUS.ok;
    },
    proxy_set_header_map_pairs: (type: number, pointer: number, size: number) => {
      mapOf(state, type).become(parsed(memory.bytes(pointer, size, MAX_PAIRS_SIZE)));
      return STATUS.ok;
    },
    proxy_get_header_map_value: (type: number, name: number, nameSize: number, addressAt: number, sizeAt: number) => {
      const value = mapOf(state, type).get(text(name, nameSize, MAX_NAME));
      if (value === null) return STATUS.notFound;
      memory.give(Buffer.from(value, 'latin1'), addressAt, sizeAt);
      return STATUS.ok;
    },
    proxy_add_header_map_value: (type: number, name: number, nameSize: number, value: number, valueSize: number) => {
      mapOf(state, type).add(text(name, nameSize, MAX_NAME), text(value, valueSize, MAX_VALUE));
      return STATUS.ok;
    },
    proxy_replace_header_map_value: (type: number, name: number, nameSize: number, value: number, valueSize: number) => {
      mapOf(state, type).replace(text(name, nameSize, MAX_NAME), text(value, valueSize, MAX_VALUE));
      return STATUS.ok;
    },
    proxy_remove_header_map_value: (type: number, name: number, nameSize: number) => {
      mapOf(state, type).remove(text(name, nameSize, MAX_NAME));
      return STATUS.ok;
    },
  };
}

// Host functions about bodies and other bytes.
import type { BodyBuffer } from './body-buffer.ts';
import type { ModuleState } from './module-state.ts';
import { STATUS, StatusError, type HostFunctions } from './status.ts';

/** proxy_buffer_type_t. */
const REQUEST_BODY = 0;
const RESPONSE_BODY = 1;
const CALL_BODY = 4;
const GRPC_MESSAGE = 5;
const VM_CONFIGURATION = 6;
const PLUGIN_CONFIGURATION = 7;
const LAST_BUFFER = 8;

/** The buffer of a body that the module may change now; null: there is none. */
function bodyOf({ stream }: ModuleState, type: number): BodyBuffer | null {
  if (type !== REQUEST_BODY && type !== RESPONSE_BODY) return null;
  const body = (type === REQUEST_BODY ? stream?.request : stream?.response)?.body;
  return body?.isOpen === true ? body : null;
}

/** The bytes of other buffers; null: there are none now. */
const OTHERS: ReadonlyMap<number, (state: ModuleState) => Buffer | null> = new Map<number, (state: ModuleState) => Buffer | null>([
  [CALL_BODY, ({ received: { isGrpc, headers, body } }) => (isGrpc || headers === null ? null : body)],
  [GRPC_MESSAGE, ({ received: { isGrpc, body } }) => (isGrpc ? body : null)],
  [VM_CONFIGURATION, () => Buffer.alloc(0)],
  [PLUGIN_CONFIGURATION, ({ configuration }) => configuration],
]);

function bytesOf(state: ModuleState, type: number): Buffer {
  if (type < 0 || type > LAST_BUFFER) throw new StatusError(STATUS.badArgument);
  const bytes = OTHERS.get(type)?.(state) ?? bodyOf(state, type)?.bytes;
  if (bytes === undefined) throw new StatusError(STATUS.notFound);
  return bytes;
}

export function bufferFunctions(state: ModuleState): HostFunctions {
  const { memory, options } = state;
  return {
    proxy_get_buffer_bytes: (type: number, start: number, most: number, addressAt: number, sizeAt: number) => {
      const bytes = bytesOf(state, type);
      const from = start >>> 0;
      if (from > bytes.length) return STATUS.badArgument;
      memory.give(bytes.subarray(from, Math.min(bytes.length, from + (most >>> 0))), addressAt, sizeAt);
      return STATUS.ok;
    },
    proxy_get_buffer_status: (type: number, sizeAt: number, flagsAt: number) => {
      const bytes = bytesOf(state, type);
      memory.view(flagsAt, 4);
      memory.writeU32(sizeAt, bytes.length);
      memory.writeU32(flagsAt, 0);
      return STATUS.ok;
    },
    proxy_set_buffer_bytes: (type: number, start: number, size: number, pointer: number, length: number) => {
      if (type < 0 || type > LAST_BUFFER) return STATUS.badArgument;
      const body = bodyOf(state, type);
      if (body === null) return STATUS.notFound;
      body.splice(start >>> 0, size >>> 0, memory.bytes(pointer, length, options.settings.maxBodySize));
      return STATUS.ok;
    },
  };
}

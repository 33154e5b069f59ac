// Host functions about contexts and their streams.
import { HeaderMap, lowerNames, parsed } from './header-map.ts';
import { ROOT, type ModuleState } from './module-state.ts';
import type { StreamContext } from './stream-context.ts';
import { STATUS, type HostFunctions, type Status } from './status.ts';

/** proxy_stream_type_t: those of HTTP; 2 and 3 are those of TCP. */
const REQUEST_STREAM = 0;
const RESPONSE_STREAM = 1;
const LAST_STREAM = 3;
const MAX_PAIRS_SIZE = 65_536;

export function streamFunctions(state: ModuleState): HostFunctions {
  const { memory } = state;
  return {
    proxy_set_effective_context: (context: number) => {
      if (context !== ROOT && !state.streams.has(context)) return STATUS.badArgument;
      state.effective = context;
      return STATUS.ok;
    },
    proxy_done: () => {
      const { stream } = state;
      if (stream === null || !stream.isPendingDone) return STATUS.notFound;
      state.events.done(stream);
      return STATUS.ok;
    },
    proxy_continue_stream: (type: number) =>
      onStream(state, type, (stream) => {
        const half = type === REQUEST_STREAM ? stream.request : stream.response;
        half.isResumed = true;
        state.events.resumed(stream, half);
      }),
    proxy_close_stream: (type: number) =>
      onStream(state, type, (stream) => {
        stream.isClosed = true;
        for (const half of [stream.request, stream.response]) state.events.resumed(stream, half);
      }),
    proxy_send_local_response: (...values: LocalResponseArguments) => sendLocalResponse(state, values),
    proxy_get_status: (codeAt: number, addressAt: number, sizeAt: number) => {
      const { status, message } = state.received;
      memory.writeU32(codeAt, status);
      memory.give(Buffer.from(message, 'latin1'), addressAt, sizeAt);
      return STATUS.ok;
    },
  };
}

/** Does something to a stream of HTTP. */
function onStream({ stream }: ModuleState, type: number, action: (stream: StreamContext) => void): Status {
  if (type < 0 || type > LAST_STREAM) return STATUS.badArgument;
  if (type > RESPONSE_STREAM) return STATUS.unimplemented;
  if (stream === null) return STATUS.badArgument;
  action(stream);
  return STATUS.ok;
}

/** The status, pointers and lengths, and the status of gRPC. */
type LocalResponseArguments = [status: number, ...Pair, ...Pair, ...Pair, grpcStatus: number];
type Pair = [pointer: number, size: number];

function sendLocalResponse(state: ModuleState, values: LocalResponseArguments): Status {
  const [status, details, detailsSize, body, bodySize, headers, headersSize, grpcStatus] = values;
  const { memory, stream, options } = state;
  memory.view(details, detailsSize);
  const map = new HeaderMap(lowerNames(parsed(memory.bytes(headers, headersSize, MAX_PAIRS_SIZE))));
  const bytes = memory.bytes(body, bodySize, options.settings.maxBodySize);
  const half = stream === null ? undefined : [stream.response, stream.request].find(({ open }) => open !== null);
  if (stream === null || half === undefined) return STATUS.badArgument;
  half.answer = { status, headers: map.fields(), body: bytes, grpcStatus: grpcStatus | 0 };
  state.events.resumed(stream, half);
  return STATUS.ok;
}

// Host functions that ask backends. Only those that the policy names exist.
import { HeaderMap, lowerNames, parsed } from './header-map.ts';
import type { ModuleState } from './module-state.ts';
import type { OutgoingCall, OutgoingCalls } from './outgoing-calls.ts';
import { STATUS, type HostFunctions, type Status } from './status.ts';

const MAX_NAME = 1_024;
const MAX_PAIRS_SIZE = 65_536;
const MAX_BODY = 1_048_576;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** Pointers and lengths, the timeout, and the place for the number of the call. */
type HttpCallArguments = [...Pair, ...Pair, ...Pair, ...Pair, timeout: number, idAt: number];
type GrpcCallArguments = [...Pair, ...Pair, ...Pair, ...Pair, ...Pair, timeout: number, idAt: number];
type Pair = [pointer: number, size: number];

export function callFunctions(state: ModuleState, calls: OutgoingCalls): HostFunctions {
  const { memory } = state;
  const begin = (call: OutgoingCall, idAt: number): Status => {
    memory.view(idAt, 4);
    const begun = calls.begin(call);
    if (typeof begun === 'number') return begun;
    memory.writeU32(idAt, begun.id);
    return STATUS.ok;
  };
  const unsupported = (name: string) => (): Status => {
    state.tellUnsupported(name);
    return STATUS.unimplemented;
  };
  const endGrpc = (id: number): Status => (calls.cancel(id) ? STATUS.ok : STATUS.notFound);
  return {
    proxy_http_call: (...values: HttpCallArguments) => {
      const call = httpCall(state, values);
      return typeof call === 'number' ? call : begin(call, values[9]);
    },
    proxy_grpc_call: (...values: GrpcCallArguments) => {
      const call = grpcCall(state, values);
      return typeof call === 'number' ? call : begin(call, values[11]);
    },
    proxy_grpc_cancel: endGrpc,
    proxy_grpc_close: endGrpc,
    proxy_grpc_stream: unsupported('proxy_grpc_stream'),
    proxy_grpc_send: unsupported('proxy_grpc_send'),
  };
}

function httpCall(state: ModuleState, values: HttpCallArguments): OutgoingCall | Status {
  const [name, nameSize, pairs, pairsSize, body, bodySize, trailers, trailersSize, timeout] = values;
  const { memory, options } = state;
  const backend = memory.latin1(name, nameSize, MAX_NAME);
  const head = new HeaderMap(lowerNames(parsed(memory.bytes(pairs, pairsSize, MAX_PAIRS_SIZE))));
  if (parsed(memory.bytes(trailers, trailersSize, MAX_PAIRS_SIZE)).length > 0) state.tellUnsupported('proxy_http_call with trailers');
  const [method, path, authority] = [head.get(':method'), head.get(':path'), head.get(':authority')];
  if (method === null || path === null || authority === null || !options.backends.includes(backend)) return STATUS.badArgument;
  const headers = [...head.fields().filter((_, i, list) => list[i - (i % 2)] !== 'host'), 'host', authority];
  return { backend, method, path, headers, body: memory.bytes(body, bodySize, MAX_BODY), timeout: timeout >>> 0, isGrpc: false };
}

function grpcCall(state: ModuleState, values: GrpcCallArguments): OutgoingCall | Status {
  const [name, nameSize, service, serviceSize, method, methodSize, pairs, pairsSize, message, messageSize, timeout] = values;
  const { memory, options } = state;
  const backend = memory.latin1(name, nameSize, MAX_NAME);
  const [serviceName, methodName] = [memory.latin1(service, serviceSize, MAX_NAME), memory.latin1(method, methodSize, MAX_NAME)];
  const metadata = lowerNames(parsed(memory.bytes(pairs, pairsSize, MAX_PAIRS_SIZE)));
  if (!options.backends.includes(backend)) return STATUS.parseFailure;
  if (!IDENTIFIER.test(serviceName) || !IDENTIFIER.test(methodName)) return STATUS.badArgument;
  const headers = new HeaderMap(metadata).fields();
  const body = memory.bytes(message, messageSize, MAX_BODY);
  return { backend, method: 'POST', path: `/${serviceName}/${methodName}`, headers, body, timeout: timeout >>> 0, isGrpc: true };
}

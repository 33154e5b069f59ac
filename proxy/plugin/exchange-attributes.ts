// The attributes of an exchange that WebAssembly modules get, with Envoy's names.
import { ATTRIBUTES, type AttributeValue } from '../exchange/attributes.ts';
import { mayHaveBody } from '../exchange/changed-body.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { PluginHook } from '../exchange/plugins.ts';
import type { Attributes, CallMessage } from './message.ts';

/** Nanoseconds of a millisecond. */
const NANOSECONDS = 1_000_000;

type Readers = Readonly<Record<string, (exchange: Exchange) => AttributeValue>>;

/** Those of a request, besides its head. */
const OF_REQUEST: Readers = {
  ...ATTRIBUTES,
  'request.time': ({ startedAt }) => Math.round(performance.timeOrigin + startedAt) * NANOSECONDS,
  route_name: ({ route }) => route?.key ?? '',
  'connection.tls_version': ({ connection }) => connection.tls?.version ?? '',
  'connection.subject_peer_certificate': ({ connection }) => connection.tls?.clientCertificate?.subject ?? '',
  'connection.sha256_peer_certificate_digest': ({ connection }) => connection.tls?.clientCertificate?.fingerprint ?? '',
  listener_name: ({ listener }) => listener,
  principal: ({ principal }) => principal?.id ?? '',
};

/** Those that are known with the answer. */
const OF_ANSWER: Readers = {
  'response.code': ({ status }) => status,
  cluster_name: ({ backend }) => backend?.cluster?.key ?? '',
  'upstream.address': ({ attempt }) => (attempt?.endpoint === undefined ? '' : `${attempt.endpoint.address}:${attempt.endpoint.port}`),
};

/** Those that are known at the end. */
const OF_END: Readers = {
  ...OF_ANSWER,
  'request.duration': ({ startedAt }) => Math.round((performance.now() - startedAt) * NANOSECONDS),
  'request.total_size': ({ requestBytes }) => requestBytes,
  'response.size': ({ responseBytes }) => responseBytes,
  'response.total_size': ({ responseBytes }) => responseBytes,
  'response.grpc_status': ({ grpcStatus }) => grpcStatus,
};

/** What a call of a module has besides that of other plugins. */
export function wasmPart(hook: PluginHook, exchange: Exchange, isKnown: boolean): Pick<CallMessage, 'attributes' | 'hasBody'> {
  const isAnswer = hook === 'onResponse' || hook === 'onResponseBody';
  const attributes = { ...(isKnown ? {} : read(OF_REQUEST, exchange)), ...(isAnswer ? read(OF_ANSWER, exchange) : {}) };
  const hasBody = isAnswer ? exchange.method !== 'HEAD' && mayHaveBody(exchange) : exchange.requestLength !== 0;
  return { attributes, hasBody };
}

/** The attributes at the end of an exchange. */
export function finalAttributes(exchange: Exchange): Attributes {
  return read(OF_END, exchange);
}

function read(readers: Readers, exchange: Exchange): Attributes {
  return Object.fromEntries(Object.entries(readers).map(([name, value]) => [name, value(exchange)]));
}

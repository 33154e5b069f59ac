// What the span of a call to a backend says of it.
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';
import type { UpstreamCluster } from '../exchange/plan.ts';
import type { CallOutcome, ServiceCall } from '../exchange/tracing.ts';
import type { ServiceRequest } from './service-exchange.ts';

/** The call of a request to a backend. */
export function callOf({ method, path, authority }: ServiceRequest, { key, transport }: UpstreamCluster, isGrpc: boolean): ServiceCall {
  const [plain = ''] = path.split('?', 1);
  if (isGrpc) return { protocol: 'grpc', method: plain, url: '', backend: key };
  return { protocol: 'http', method, url: `${transport.tls === null ? 'http' : 'https'}://${authority}${plain}`, backend: key };
}

/** How the exchange with the backend ended. `trailers`: of a gRPC call, where its status is; null for HTTP. */
export function outcomeOf({ status, attempt }: Exchange, error: ExchangeError | null, trailers: readonly string[] | null): CallOutcome {
  const endpoint = attempt === null ? null : attempt.endpoint;
  if (error !== null) return { status: -1, error: error.code, endpoint };
  return { status: trailers === null ? status : grpcStatusIn(trailers), error: '', endpoint };
}

/** -1 without a valid one. */
function grpcStatusIn(trailers: readonly string[]): number {
  const text = getHeader(trailers, 'grpc-status') ?? '';
  return /^[0-9]{1,2}$/.test(text) ? Number(text) : -1;
}

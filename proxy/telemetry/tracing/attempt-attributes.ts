// The attributes of the span of an attempt, by the conventions of OpenTelemetry for HTTP clients and RPC.
import type { Value } from '#lib/otlp/records.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import { authorities, paths } from './last-redaction.ts';
import { addCall, addMethod, addVersion, cut, MAX_PATH, MAX_TEXT } from './request-attributes.ts';

const MAX_URL = 1_280;

export function attemptAttributes(to: Value[], attempt: Attempt, redactor: Redactor): void {
  const { exchange, endpoint, cluster, status, connectMs } = attempt;
  const { address, port } = endpoint;
  addMethod(to, exchange.method);
  to.push('server.address', address, 'server.port', port, 'network.peer.address', address, 'network.peer.port', port);
  // Without the query, as in the span of the request.
  to.push('url.full', cut(urlOf(attempt, redactor), MAX_URL));
  if (exchange.grpc) addCall(to, exchange);
  if (status > 0) {
    addVersion(to, attempt.version);
    to.push('http.response.status_code', status);
  }
  if (attempt.resend > 0) to.push('http.request.resend_count', attempt.resend);
  to.push('weir.backend', cluster.key);
  if (attempt.outcome !== null) to.push('weir.attempt.outcome', attempt.outcome);
  if (connectMs >= 0) to.push('weir.attempt.connect_ms', connectMs);
  if (attempt.sentAt > 0) to.push('weir.attempt.wait_ms', Math.max(0, attempt.sentAt - attempt.beganAt));
}

function urlOf({ exchange, cluster }: Attempt, redactor: Redactor): string {
  const scheme = cluster.transport.tls === null ? 'http://' : 'https://';
  return scheme + authorities.of(cut(exchange.authority, MAX_TEXT), redactor) + paths.of(cut(exchange.path, MAX_PATH), redactor);
}

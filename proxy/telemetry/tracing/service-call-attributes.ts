// The attributes of the span of a call that a filter makes to a service, by the conventions of OpenTelemetry for HTTP clients, RPC and databases.
import type { Value } from '#lib/otlp/records.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import type { CallOutcome, ServiceCall } from '../../exchange/tracing.ts';
import { addMethod, addRpc, cut } from './request-attributes.ts';

const MAX_URL = 1_280;

/** `outcome`: null if the call goes on. */
export function serviceCallAttributes(to: Value[], call: ServiceCall, outcome: CallOutcome | null, redactor: Redactor): void {
  const { protocol, method, url, backend } = call;
  if (protocol === 'redis') to.push('db.system.name', 'redis', 'db.operation.name', method);
  else if (protocol === 'grpc') addRpc(to, method);
  else {
    addMethod(to, method);
    to.push('url.full', redactor.text(cut(url, MAX_URL)));
  }
  if (outcome !== null) addOutcome(to, call, outcome);
  if (backend !== '') to.push('weir.backend', backend);
}

function addOutcome(to: Value[], { protocol, url }: ServiceCall, { status, endpoint }: CallOutcome): void {
  const server = endpoint ?? serverOf(url);
  if (server !== null) to.push('server.address', server.address, 'server.port', server.port);
  if (status >= 0) to.push(protocol === 'grpc' ? 'rpc.grpc.status_code' : 'http.response.status_code', status);
}

/** Of a URL; null without one. */
function serverOf(url: string): { readonly address: string; readonly port: number } | null {
  const parsed = URL.parse(url);
  if (parsed === null) return null;
  return { address: parsed.hostname, port: Number(parsed.port) || (parsed.protocol === 'https:' ? 443 : 80) };
}

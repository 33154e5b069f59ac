// The active check of a use of a cluster, and the probes that it needs for the endpoints.
import { checkId } from '../../exchange/probe-target.ts';
import type { CheckPace, GrpcCheck, HealthCheck, HttpCheck, TcpCheck, WantedProbes } from '../../exchange/probe-target.ts';
import type { Transport } from '../../exchange/plan.ts';

/** Plain data: equal settings share a variant. */
export interface ActiveCheck {
  readonly pace: CheckPace;
  /** In place of the ports of the endpoints; null: those. */
  readonly port: number | null;
  /** As the transport has it, or never. */
  readonly tls: 'transport' | 'never';
  /** The key of the Secret whose certificate probes with TLS present: that of the Gateway whose requests need the check. Null: none. */
  readonly clientCertificate: string | null;
  /** HTTP checks use the protocol of the cluster. */
  readonly request: Omit<HttpCheck, 'protocol'> | GrpcCheck | TcpCheck;
}

/** The check with a transport; `id` names it. */
export interface ResolvedCheck extends Omit<WantedProbes, 'addresses'> {
  readonly id: string;
  readonly port: number | null;
}

/** Resolves a check. */
export function resolveCheck({ pace, port, tls: when, clientCertificate, request }: ActiveCheck, transport: Transport): ResolvedCheck {
  const check: HealthCheck = { pace, request: withProtocol(request, transport.protocol) };
  const tls = when === 'never' ? null : transport.tls;
  const needed = { tls, clientCertificate: tls === null ? null : clientCertificate, check };
  return { id: checkId(needed), port, ...needed };
}

function withProtocol(request: ActiveCheck['request'], protocol: Transport['protocol']): HealthCheck['request'] {
  return request.type === 'http' ? { ...request, protocol: protocol === 'http2' ? 'http2' : 'http1' } : request;
}

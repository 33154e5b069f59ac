// Whose the request is that `weir explain` asks about, and what routes therefore see of it: by the very code of the proxy.
import net from 'node:net';
import type { MatchRequest } from '#api/match/table.ts';
import { Exchange } from '../proxy/exchange/exchange.ts';
import type { DownstreamConnection } from '../proxy/exchange/exchange.ts';
import type { DownstreamStream } from '../proxy/exchange/stream.ts';
import type { TrustedProxies } from '../proxy/listener/trusted-proxies.ts';
import { setForwarded } from '../proxy/upstream/forwarded.ts';
import { UsageError } from './command.ts';
import type { ExplainedRequest } from './explained-request.ts';

/** The request as routes see it. */
export interface IdentifiedRequest {
  readonly request: MatchRequest;
  /** Its client, where proxies in front tell of one; null: whoever sends it. */
  readonly client: string | null;
  /** The proxies in front should have told, and the request is refused. */
  readonly refused: boolean;
}

/** `from`: the address of the peer. `proxies`: those that its listener trusts, if any. Throws a UsageError for what is no address. */
export function identified({ port, secured, request }: ExplainedRequest, from: string, proxies: TrustedProxies | null): IdentifiedRequest {
  if (net.isIP(from) === 0) throw new UsageError(`--from: ${JSON.stringify(from)} is not an address`);
  // Nothing else of them is asked for.
  const connection = { remoteAddress: from, localPort: port, tls: secured ? {} : null } as DownstreamConnection;
  const exchange = new Exchange(connection, {} as DownstreamStream, 0);
  exchange.authority = request.own?.authority ?? request.host;
  exchange.requestHeaders = [...request.headers];
  const refused = proxies !== null && !proxies.identify(exchange);
  setForwarded(exchange);
  return { request: { ...request, headers: exchange.requestHeaders }, client: exchange.client?.address ?? null, refused };
}

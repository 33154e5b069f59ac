// Connects the codecs with the request path: those of accepted connections, and those in the pools of endpoints.
import type { CreatePool } from './cluster/endpoint.ts';
import { H1Downstream } from './codec/h1/downstream.ts';
import type { UpstreamSettings } from './codec/h1/settings.ts';
import { H1Upstream } from './codec/h1/upstream.ts';
import { H2Downstream } from './codec/h2/downstream.ts';
import type { ConnectionSettings, H2Settings } from './codec/h2/settings.ts';
import { H2Upstream } from './codec/h2/upstream.ts';
import { writeProxyHeader } from './codec/proxy-protocol/write.ts';
import type { Destination } from './exchange/dial.ts';
import type { Limits } from './exchange/limits.ts';
import type { DownstreamEvents, UpstreamEvents } from './exchange/stream.ts';
import type { Connect, Connection } from './listener/connection.ts';
import { Capacity } from './upstream/capacity.ts';
import { ClientPools } from './upstream/client-pools.ts';
import { ConnectionPool } from './upstream/pool.ts';
import type { PoolOptions } from './upstream/pool-options.ts';
import { SharedPool } from './upstream/shared-pool.ts';

/** The pools of connections to endpoints, by the transport of the cluster. */
export function upstreamPools(
  events: UpstreamEvents,
  settings: UpstreamSettings & ConnectionSettings & Pick<PoolOptions, 'shedder'>,
): CreatePool {
  const poolTo = (
    destination: Destination,
    sharing: Pick<PoolOptions, 'capacity' | 'emptied' | 'endpoint'>,
  ): ConnectionPool | SharedPool => {
    const options = { ...settings, ...sharing, events };
    const shared = { events, settings };
    return destination.transport.protocol === 'http2'
      ? new SharedPool((owner, terms) => new H2Upstream(destination, owner, terms, shared), options)
      : new ConnectionPool((owner, terms) => new H1Upstream(destination, owner, terms, shared), options);
  };
  return (endpoint, transport) => {
    const { address, port } = endpoint;
    const version = transport.proxyProtocol;
    if (version === 0)
      return poolTo({ address, port, transport, header: null }, { capacity: new Capacity(settings.limits, settings.wheel), endpoint });
    return new ClientPools(
      (client, sharing) => {
        const header = writeProxyHeader(version, client, client.serverName);
        return poolTo({ address, port, transport, header }, { ...sharing, endpoint });
      },
      settings.limits,
      settings.wheel,
    );
  };
}

/** The codecs of accepted connections: by ALPN on TLS, by the first bytes otherwise. */
export function downstreamCodec(events: DownstreamEvents, settings: H2Settings): Connect {
  const known = new WeakMap<Limits, H2Settings>();
  /** Listeners with the same limits share the settings, so a connection costs one look-up. */
  const settingsOf = ({ limits }: Connection): H2Settings => {
    let own = known.get(limits);
    if (own === undefined) known.set(limits, (own = { ...settings, limits }));
    return own;
  };
  const speakH2: Connect = (socket, connection) => new H2Downstream(socket, connection, events, settingsOf(connection));
  return (socket, connection) => {
    if (connection.protocol === 'h2') return speakH2(socket, connection);
    const handOver = (bytes: Buffer, retired: boolean): void => {
      const codec = connection.become('h2', speakH2);
      if (retired) codec.retire();
      codec.data(bytes);
    };
    return new H1Downstream(socket, connection, events, settingsOf(connection), connection.tls === null ? handOver : null);
  };
}

// The push plane of `weir controller`: the cache that the pipeline fills, and the gRPC server that proxies subscribe to.
import type { Log } from '#lib/log.ts';
import type { ControllerConfig } from './config.ts';
import type { MakePushPlane } from './main.ts';
import { PushCache } from './push/cache.ts';
import { PushServer } from './push/server.ts';
import type { PushObserver } from './push/observer.ts';

/** Makes the push plane. The fleet state is told of everything that sessions tell, and nothing of it is kept twice. */
export const makePushPlane: MakePushPlane = (config: ControllerConfig, fleet: PushObserver, pushed, log: Log) => {
  const cache = new PushCache();
  const { certificate, key, ca } = config.pushTls;
  const { host, port } = config.pushAddress;
  const address = `${host.includes(':') ? `[${host}]` : host || '0.0.0.0'}:${port}`;
  const tls = certificate === '' ? ('plaintext' as const) : { ca, certificate, privateKey: key };
  const server = new PushServer({ address, tls, cache, observer: fleet, log, pushed });
  return {
    apply: (delta) => cache.apply(delta),
    start: () => server.start(),
    stop: () => server.stop(),
    sessions: () => server.sessions(),
  };
};

// The push plane of `weir controller`: the scopes that the pipeline fills, and the gRPC server that proxies subscribe to.
import type { Log } from '#lib/log.ts';
import type { ControllerConfig, PushTls } from './config.ts';
import type { MakePushPlane } from './main.ts';
import type { CertificateFiles } from './push/certificates.ts';
import { PushServer } from './push/server.ts';
import type { PushObserver } from './push/observer.ts';
import { Scopes } from './push/scopes.ts';

/** Makes the push plane. The fleet state is told of everything that sessions tell, and nothing of it is kept twice. */
export const makePushPlane: MakePushPlane = (config: ControllerConfig, fleet: PushObserver, pushed, log: Log, managed) => {
  const scopes = new Scopes();
  const cacheOf = (scope: string) => scopes.cacheOf(scope);
  const { host, port } = config.pushAddress;
  const address = `${host.includes(':') ? `[${host}]` : host || '0.0.0.0'}:${port}`;
  const tls = managed ?? tlsOf(config.pushTls);
  const server = new PushServer({ address, tls, cacheOf, observer: fleet, log, pushed });
  return {
    apply: (delta) => scopes.apply(delta),
    start: () => server.start(),
    stop: () => server.stop(),
    sessions: () => server.sessions(),
  };
};

function tlsOf(tls: PushTls): CertificateFiles | 'plaintext' {
  return tls.from === 'files' ? { ca: tls.ca, certificate: tls.certificate, privateKey: tls.key } : 'plaintext';
}

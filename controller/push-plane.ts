// The push plane of `weir controller`: the scopes that the pipeline fills, the gRPC server that proxies subscribe to, and what the
// controller that leads hears from the others.
import type { Log } from '#lib/log.ts';
import type { ControllerConfig, PushTls } from './config.ts';
import type { MakePushPlane } from './main.ts';
import type { CertificateFiles } from './push/certificates.ts';
import { PushServer } from './push/server.ts';
import type { PushObserver } from './push/observer.ts';
import { Scopes } from './push/scopes.ts';
import { OwnSessions } from './relay/own-sessions.ts';
import { Receiver } from './relay/receiver.ts';
import { Reporter } from './relay/reporter.ts';

/** Makes the push plane. The fleet state is told of everything that sessions tell, and nothing of it is kept twice. */
export const makePushPlane: MakePushPlane = (config: ControllerConfig, fleet: PushObserver, counters, log: Log, managed) => {
  const scopes = new Scopes();
  const cacheOf = (scope: string) => scopes.cacheOf(scope);
  const { host, port } = config.pushAddress;
  const address = `${host.includes(':') ? `[${host}]` : host || '0.0.0.0'}:${port}`;
  const tls = managed ?? tlsOf(config.pushTls);
  const { pushed, nacked } = counters;
  const sessions = new OwnSessions(fleet, nacked);
  const receiver = new Receiver(fleet, log);
  const reports = receiver.accept.bind(receiver);
  const server = new PushServer({ address, tls, cacheOf, observer: sessions, reports, log, pushed });
  const reporter = new Reporter({ sessions, credentials: () => server.clientCredentials(), log });
  return {
    apply: (delta) => scopes.apply(delta),
    start: () => server.start(),
    stop: () => {
      reporter.follow(null);
      receiver.lead(false);
      return server.stop();
    },
    lead: (leading) => receiver.lead(leading),
    follow: (leader) => reporter.follow(leader),
    sessions: () => server.sessions(),
  };
};

function tlsOf(tls: PushTls): CertificateFiles | 'plaintext' {
  return tls.from === 'files' ? { ca: tls.ca, certificate: tls.certificate, privateKey: tls.key } : 'plaintext';
}

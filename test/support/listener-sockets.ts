// Listeners of a proxy without its other parts; the test handles their connections.
import type * as ir from '#api/ir/ir.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { ListenerSockets } from '../../proxy/listener/listener-sockets.ts';
import type { ListenerSocketsOptions } from '../../proxy/listener/listener-sockets.ts';
import { closeLater } from './fixture.ts';

/** Port in the configuration of the listeners; whichever is free is bound. */
const PORT = 443;

export function openListenerSockets(options: Pick<ListenerSocketsOptions, 'connect'> & Partial<ListenerSocketsOptions>): {
  readonly sockets: ListenerSockets;
  readonly wheel: TimerWheel;
} {
  const wheel = new TimerWheel();
  const sockets = new ListenerSockets({ limits: DEFAULT_LIMITS, wheel, drainTimeout: 1_000, bindPort: () => 0, ...options });
  closeLater(async () => {
    const closed = sockets.close(0);
    sockets.cut();
    await closed;
    wheel.stop();
  });
  return { sockets, wheel };
}

/** A listener that terminates TLS with these Secrets (keys). */
export function httpsListener(certificates: readonly string[], fields: Partial<ir.Listener> = {}): ir.Listener {
  return {
    kind: 'Listener',
    key: 'default/gateway/https',
    gateway: 'default/gateway',
    addresses: ['127.0.0.1'],
    port: PORT,
    protocol: 'HTTPS',
    hostname: '',
    tls: { mode: 'Terminate', certificates: [...certificates] },
    ...fields,
  };
}

/** The bound port. */
export function boundPort(sockets: ListenerSockets): number {
  return sockets.boundPort(PORT) ?? 0;
}

// Listeners of a proxy without the rest of it: what is said on their connections is for the test to choose.
import type * as ir from '#api/ir/ir.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { ListenerSet } from '../../proxy/listener/listeners.ts';
import type { ListenerSetOptions } from '../../proxy/listener/listeners.ts';
import { closeLater } from './fixture.ts';

/** Port in the configuration of the listeners; whichever is free is bound. */
const PORT = 443;

export function openListenerSet(options: Pick<ListenerSetOptions, 'connect'> & Partial<ListenerSetOptions>): {
  readonly set: ListenerSet;
  readonly wheel: TimerWheel;
} {
  const wheel = new TimerWheel();
  const set = new ListenerSet({ limits: DEFAULT_LIMITS, wheel, drainTimeout: 1_000, bindPort: () => 0, ...options });
  closeLater(async () => {
    const closed = set.close(0);
    set.cut();
    await closed;
    wheel.stop();
  });
  return { set, wheel };
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

/** The port that is really bound. */
export function boundPort(set: ListenerSet): number {
  return set.boundPort(PORT) ?? 0;
}

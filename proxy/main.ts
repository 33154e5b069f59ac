// A proxy of a fleet: subscribes to a controller, serves its configuration, and stops in good order.
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import type { ProxyConfig } from './config.ts';
import { serve } from './serving.ts';
import type { ConfigFeed, Serving } from './serving.ts';
import { Subscription } from './subscribe/client.ts';
import { configFamilies, subscriptionFamilies } from './subscribe/metrics.ts';
import { LastGood } from './subscribe/last-good.ts';

/** Serves until a signal. Resolves after the stop, or to the reason why it could not start. */
export function runProxy(config: ProxyConfig, log: Log): Promise<Result<void>> {
  return serve(config, log, (serving) => fromController(config, serving, log));
}

function fromController(config: ProxyConfig, { supervisor, readiness }: Serving, log: Log): ConfigFeed {
  const subscription = new Subscription({
    address: config.controller,
    tls: config.controllerTls,
    serverName: config.controllerName,
    nodeId: config.nodeId,
    weirVersion: WEIR_VERSION,
    target: supervisor,
    lastGood: config.lastGood === '' ? null : new LastGood({ file: config.lastGood, log }),
    log,
  });
  supervisor.expose([
    ...configFamilies({ revision: () => subscription.state().revision, refused: () => subscription.state().refusedKinds }),
    ...subscriptionFamilies(() => subscription.state()),
  ]);
  void subscription.ready.then((source) => {
    readiness.configured();
    log.info({ source }, 'ready');
  });
  return {
    start: () => Promise.resolve(subscription.start()),
    stop: () => subscription.stop(),
  };
}

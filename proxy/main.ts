// A proxy of a fleet: subscribes to a controller, serves what it sends, and ends in good order.
//
//   SIGTERM: not ready ──drain delay──> not accepting, connections close as they finish ──all gone, or drain timeout──> end
import type { Log } from '#lib/log.ts';
import { ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { firstSignal } from '#lib/signals.ts';
import type { ProxyConfig } from './config.ts';
import { endOnBugs, finish, Serving } from './serving.ts';
import { Subscription } from './subscribe/client.ts';
import { LastGood } from './subscribe/last-good.ts';
import { WEIR_VERSION } from './supervisor/metrics.ts';

/** Serves until a signal. Resolves when everything has come to its end, or to why it could not begin. */
export async function runProxy(config: ProxyConfig, log: Log): Promise<Result<void>> {
  endOnBugs(log);
  const signal = firstSignal();
  const serving = new Serving(config, log);
  const started = await serving.start();
  if (!started.ok) return started;
  const subscription = subscribe(config, serving, log);
  subscription.start();
  void subscription.ready.then((source) => {
    serving.readiness.configured();
    log.info({ source }, 'ready');
  });
  log.info({ signal: await signal, drainDelay: config.drainDelay, drainTimeout: config.drainTimeout }, 'draining');
  await serving.drain();
  // Until here endpoints came and went like before.
  await subscription.stop();
  await finish(serving, log);
  return ok(undefined);
}

function subscribe(config: ProxyConfig, serving: Serving, log: Log): Subscription {
  return new Subscription({
    address: config.controller,
    tls: config.controllerTls,
    serverName: config.controllerName,
    nodeId: config.nodeId,
    weirVersion: WEIR_VERSION,
    target: serving.supervisor,
    lastGood: config.lastGood === '' ? null : new LastGood({ file: config.lastGood, log }),
    log,
  });
}

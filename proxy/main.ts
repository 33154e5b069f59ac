// A proxy of a fleet: subscribes to a controller, serves its configuration, and stops in good order.
import { randomUUID } from 'node:crypto';
import { prepareDecoding } from '#api/wire/decode.ts';
import { componentLog } from '#lib/component-log.ts';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import { commandsOf } from './commands.ts';
import type { ProxyConfig } from './config.ts';
import { BlockBook } from './reporting/block-book.ts';
import { Reporting } from './reporting/client.ts';
import { reportingFamilies } from './reporting/metrics.ts';
import { serve } from './serving.ts';
import type { ConfigFeed, Serving } from './serving.ts';
import { Subscription } from './subscribe/client.ts';
import { configFamilies, subscriptionFamilies } from './subscribe/metrics.ts';
import { LastGood } from './subscribe/last-good.ts';
import { SupervisedReports } from './supervised-reports.ts';

/** Serves until a signal. Resolves after the stop, or to the reason why it could not start. */
export function runProxy(config: ProxyConfig, log: Log): Promise<Result<void>> {
  return serve(config, log, (serving) => fromController(config, serving, log));
}

function fromController(config: ProxyConfig, serving: Serving, log: Log): ConfigFeed {
  const { supervisor, readiness } = serving;
  const subscriptionLog = componentLog(log, 'subscription');
  const subscription = new Subscription({
    address: config.controller,
    tls: config.controllerTls,
    serverName: config.controllerName,
    nodeId: config.nodeId,
    weirVersion: WEIR_VERSION,
    target: supervisor,
    lastGood: config.lastGood === '' ? null : new LastGood({ file: config.lastGood, log: subscriptionLog }),
    log: subscriptionLog,
  });
  supervisor.expose([
    ...configFamilies({ revision: () => subscription.state().revision, refused: () => subscription.state().refusedKinds }),
    ...subscriptionFamilies(() => subscription.state()),
  ]);
  void subscription.ready.then((source) => {
    readiness.configured();
    log.info({ source }, 'ready');
  });
  const reporting = reportingOf(config, serving, () => subscription.state().revision, log);
  supervisor.expose(reportingFamilies(() => reporting.state()));
  return {
    start: () => {
      // A single worker has the event loop of its supervisor.
      if (config.workers === 1) prepareDecoding();
      subscription.start();
      reporting.start();
      return Promise.resolve();
    },
    stop: async () => void (await Promise.all([subscription.stop(), reporting.stop()])),
  };
}

function reportingOf(config: ProxyConfig, serving: Serving, revision: () => string, log: Log): Reporting {
  const { supervisor, readiness } = serving;
  const blocks = new BlockBook(supervisor.broadcast);
  return new Reporting({
    address: config.controller,
    tls: config.controllerTls,
    serverName: config.controllerName,
    nodeId: config.nodeId,
    weirVersion: WEIR_VERSION,
    instance: randomUUID(),
    workers: config.workers,
    source: new SupervisedReports({ supervisor, workers: config.workers, revision, draining: () => readiness.isDraining }),
    commands: commandsOf(serving, blocks, log),
    borrowing: supervisor.limits,
    blocks,
    log: componentLog(log, 'telemetry'),
  });
}

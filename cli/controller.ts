// `weir controller`: watches a cluster, compiles its objects, pushes resources to proxies, and writes statuses if it is the leader.
import { createLog } from '#lib/log.ts';
import { firstSignal, onHangup } from '#lib/signals.ts';
import { CONTROLLER_FLAGS, readConfig } from '../controller/config.ts';
import type { ControllerConfig } from '../controller/config.ts';
import { Controller } from '../controller/main.ts';
import { makePushPlane } from '../controller/push-plane.ts';
import { problemOf } from '../controller/push/certificates.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

export const controller: Command = {
  name: 'controller',
  arguments: '',
  summary: 'Watches a cluster, compiles its objects, pushes the resources to proxies, and writes statuses.',
  flags: CONTROLLER_FLAGS,
  readsEnvironment: true,
  async run(args) {
    const config = readConfig(args);
    if (!config.ok) throw new UsageError(config.error);
    const problem = await certificateProblem(config.value);
    if (problem !== null) throw new UsageError(`--push-tls-cert, --push-tls-key, --push-tls-ca: ${problem}`);
    const log = createLog(config.value.logLevel);
    const running = new Controller(config.value, makePushPlane, log);
    const signal = firstSignal();
    // The log goes to standard error, so SIGHUP has no file to reopen.
    onHangup(() => log.info({ signal: 'SIGHUP' }, 'the controller continues'));
    // A signal may come before the API server answers.
    const started = running.start();
    await Promise.race([started, signal]);
    log.info({ signal: await signal }, 'stopping');
    await running.stop();
    await started;
    return 0;
  },
};

/** Checks the files at the start: the push server loads them only after the controller has read the cluster. */
function certificateProblem({ pushTls }: ControllerConfig): Promise<string | null> {
  if (pushTls.from !== 'files') return Promise.resolve(null);
  return problemOf({ ca: pushTls.ca, certificate: pushTls.certificate, privateKey: pushTls.key });
}

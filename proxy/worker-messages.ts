// What a worker logs besides requests.
import type { Log } from '#lib/log.ts';
import type { ListenerSocketsOptions } from './listener/listener-sockets.ts';
import type { OverloadListener } from './overload/shedding.ts';

/** The log messages about connections that fail before a request. */
export function logFailures(
  log: Log | undefined,
): Required<Pick<ListenerSocketsOptions, 'ocspFailed' | 'handshakeFailed' | 'headerRefused'>> {
  return {
    ocspFailed: (failure) => void log?.warn(failure, 'no OCSP response for a certificate'),
    handshakeFailed: (failure) => void log?.warn(failure, 'TLS handshake failed'),
    headerRefused: (refused) => void log?.warn(refused, 'connection refused for its header of the PROXY protocol'),
  };
}

/** The log messages about episodes of overload. */
export function logOverload(log: Log | undefined): OverloadListener {
  return (cause, severity) => {
    if (cause === null) log?.info('the overload is over: nothing was refused for 5 s');
    else log?.warn({ cause, severity }, 'the worker is overloaded and refuses requests by their priority');
  };
}

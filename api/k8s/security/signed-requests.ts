// Settings of all signatures of requests.
import { choice, flag, size } from '../setting.ts';

export const SIGNED_REQUESTS = {
  allowReplays: flag('The same signature is accepted several times. Otherwise once.'),
  replayStore: choice(
    'Where accepted signatures are remembered. Local: in each proxy, until it restarts. Redis: for all proxies with the same Redis; while it does not answer, signed requests get 503.',
    ['Local', 'Redis'],
  ),
  maxBodyBytes: size('The largest body of a signed request. It is read before the backend gets any of it.', {
    minimum: 0,
    maximum: 67_108_864,
  }),
  forward: flag('The backend gets the signature too. Otherwise it is removed.'),
};

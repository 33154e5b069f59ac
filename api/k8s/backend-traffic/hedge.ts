// BackendTrafficPolicy: further attempts before the first one has failed.
import { count, duration, flag, group } from '../setting.ts';

export const hedge = group(
  'A further attempt at another endpoint if no answer has begun after a delay. The first usable answer is passed on and the other attempt is cancelled. Only for methods that are safe to repeat, within the budget of retries.',
  {
    delay: duration('The time without an answer after which another attempt starts, again and again up to maxAttempts. 0s is never.'),
    maxAttempts: count('Attempts under way at the same time, the first included.', { minimum: 1, maximum: 5 }),
    grpc: flag('True: for gRPC calls too. Their methods have to be safe to repeat.'),
  },
);

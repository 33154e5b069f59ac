// BackendTrafficPolicy: further attempts before the first one has failed.
import { count, duration, flag, group, percent } from '../setting.ts';

export const hedge = group(
  'A further attempt at another endpoint if no answer has begun after a delay. The first usable answer is passed on and the other attempt is cancelled. Only for methods that are safe to repeat, within the budget of retries.',
  {
    delay: duration('The time without an answer after which another attempt starts, again and again up to maxAttempts. 0s is never.'),
    percentile: percent(
      'The same after a percentile of the recent times to the head of an answer of the backend, such as 95. delay applies as long as there are fewer than 100 answers. 0 is off.',
    ),
    minDelay: duration('The shortest time by percentile.'),
    maxDelay: duration('The longest time by percentile. 0s is no limit.'),
    maxAttempts: count('Attempts under way at the same time, the first included.', { minimum: 1, maximum: 5 }),
    grpc: flag('True: for gRPC calls too. Their methods have to be safe to repeat.'),
  },
);

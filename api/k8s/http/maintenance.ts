// The group `maintenance` of an HTTPPolicy.
import { duration, ranges, whole } from '../setting.ts';
import { answerParts, mode } from './fixed-answer.ts';

export const maintenance = whole(
  'The targets are under maintenance: requests get 503, and gRPC calls UNAVAILABLE. A nearer policy replaces all of it.',
  {
    mode,
    retryAfter: duration('When clients shall come again, as Retry-After in whole seconds.'),
    exempt: ranges('The addresses of clients that reach the backend meanwhile.'),
    ...answerParts,
  },
  { unresolved: 'stays' },
);

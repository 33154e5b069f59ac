// The group `directResponse` of an HTTPPolicy.
import { count, whole } from '../setting.ts';
import { answerParts, mode } from './fixed-answer.ts';

export const directResponse = whole(
  'A fixed answer to all requests, instead of that of a backend. gRPC calls get UNAVAILABLE. A nearer policy replaces all of it.',
  { mode, status: count('Its status.', { minimum: 200, maximum: 599 }), ...answerParts },
  { unresolved: 'stays' },
);

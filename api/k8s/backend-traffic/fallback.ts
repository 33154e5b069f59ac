// BackendTrafficPolicy: the answer if the backend gives none.
import { count, group, mediaType, text } from '../setting.ts';

export const fallback = group(
  'What clients get if the backend gives no answer: it has no usable endpoint, cannot be reached, or fails or is late in every attempt.',
  {
    response: group('A fixed answer. gRPC calls get their status instead.', {
      status: count('Its status.', { minimum: 200, maximum: 599 }),
      contentType: mediaType('Its Content-Type.'),
      body: text('Its body.', { maxLength: 16_384 }),
    }),
  },
);

// BackendTrafficPolicy: another backend, or an answer of the proxy, if the backend gives no answer.
import { backend } from '../policy-reference.ts';
import { count, group, mediaType, text } from '../setting.ts';

export const fallback = group(
  'The answer for clients if the backend gives none: it has no usable endpoint, cannot be reached, or fails or is late in every attempt.',
  {
    backendRef: backend(
      'The backend that gets the request then, if the request is safe to send again and its body is kept. Its own policies apply, but not its fallback.',
    ),
    response: group('A fixed answer, also if backendRef gives none. gRPC calls get their status instead.', {
      status: count('Its status.', { minimum: 200, maximum: 599 }),
      contentType: mediaType('Its Content-Type.'),
      body: text('Its body.', { maxLength: 16_384 }),
    }),
  },
);

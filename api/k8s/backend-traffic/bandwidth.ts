// BackendTrafficPolicy: the speed of bodies.
import { group, size } from '../setting.ts';

/** Bytes per second. */
const RATE = { minimum: 0, maximum: 1_000_000_000_000 };

export const bandwidth = group(
  'The greatest speed of each body, in bytes per second. WebSockets have their full speed after their start. 0 is no limit.',
  {
    request: size('The bytes per second of the body of each request.', RATE),
    response: size('The bytes per second of the body of each answer of the backend.', RATE),
  },
);

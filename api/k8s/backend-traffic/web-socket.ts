// BackendTrafficPolicy: limits of WebSockets.
import { count, duration, group, size } from '../setting.ts';

export const webSocket = group('Limits of WebSockets, for both sides. Without a limit every frame passes unchanged.', {
  frame: size('The payload of one frame as it travels; a larger one ends the WebSocket with close code 1009. 0 is no limit.', {
    minimum: 0,
  }),
  message: size(
    'The frames of one message together, as they travel; a larger message ends the WebSocket with close code 1009. 0 is no limit.',
    { minimum: 0 },
  ),
  messagesPerSecond: count('Messages that the client may send in a second; more end the WebSocket with close code 1008. 0 is no limit.', {
    minimum: 0,
    maximum: 1_000_000,
  }),
  idle: duration('The longest time without data either way; then the WebSocket ends with close code 1001. 0s is no limit.'),
  lifetime: duration('How long a WebSocket may live; then it ends with close code 1001. 0s is no limit.'),
  ping: duration(
    'The silence of the client after which the proxy sends a ping. After as much silence again the client is cut. 0s is never.',
  ),
  connections: count('Open WebSockets of one rule in one worker; more are answered with 503. 0 is no limit.', {
    minimum: 0,
    maximum: 1_000_000,
  }),
});

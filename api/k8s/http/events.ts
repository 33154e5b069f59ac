// The group `events` of an HTTPPolicy.
import { duration, group } from '../setting.ts';

export const events = group('Streams of server-sent events of backends (`text/event-stream`).', {
  heartbeat: duration('A stream without data for so long gets a comment (`:`), never within an event. 0s: none.'),
});

// The group `requestId` of a TelemetryPolicy: the ids by which a request is found in logs, traces and answers.
import { fieldName, flag, group } from '../setting.ts';

export const requestId = group('The ids of requests.', {
  enabled: flag('Whether each request gets an id, which backends get in a header.'),
  header: fieldName('The header of the id.'),
  trustIncoming: flag(
    'Whether the id of a client is kept. It has at most 128 letters, digits and -._~:/+=@; any other is replaced by a new one.',
  ),
  echo: flag('Whether answers have the header too.'),
});

// BackendTrafficPolicy: which requests go first.
import { choice, fieldName, group } from '../setting.ts';

export const priority = group(
  'The importance of requests. An overloaded proxy refuses sheddable requests first, then default ones, critical ones last; a queue for a backend serves them in the opposite order.',
  {
    level: choice('The priority of all requests, or of those without the header.', ['Critical', 'Default', 'Sheddable']),
    header: fieldName(
      'A header whose value, critical, default or sheddable, wins over the level. Any client may send it: name one only if a proxy in front sets or removes it. Absent: clients have no influence.',
    ),
  },
);

// BackendTrafficPolicy: sessions, whose requests go to one endpoint. The words are those of GEP-1619.
import { choice, duration, group, SESSION_NAME } from '../setting.ts';

export const sessionPersistence = group(
  'Requests of a session go to one endpoint, as long as it is usable. Each rule has its own sessions; those of a route replace these settings.',
  {
    type: choice('Where the client keeps its token. None turns sessions off. By default Cookie if any of these settings is set.', [
      'None',
      'Cookie',
      'Header',
    ]),
    sessionName: SESSION_NAME,
    absoluteTimeout: duration('The life of a session. 0s is no limit.'),
    idleTimeout: duration('The longest pause of a session, with a precision of a tenth. 0s is no limit.'),
    cookieConfig: group('The cookie.', {
      lifetimeType: choice(
        'Session: the browser deletes the cookie when it closes. Permanent: the browser keeps it for absoluteTimeout, which is needed.',
        ['Permanent', 'Session'],
      ),
    }),
  },
);

// `accessLog.syslog` of GatewayParameters: the syslog server of the access log.
import { Type, type Static } from '#lib/typebox.ts';
import { configMapKey, group, secretKey, withRules } from './gateway-parameters-parts.ts';

/** Without a user, a path and a query. */
const URL_FORM = '^(tcp|tls)://[^\\s/?#@]+/?$';

export const SyslogParameters = withRules(
  group('Lines also go to this syslog server; docs/reference/access-log.md says more.', {
    url: Type.String({
      minLength: 7,
      maxLength: 512,
      pattern: URL_FORM,
      '~must': 'a URL like tls://logs.example.com:6514',
      description: 'Its URL, tcp://HOST:PORT or tls://HOST:PORT. The ports are 601 and 6514 by default.',
    } as Parameters<typeof Type.String>[0]),
    caConfigMapRef: Type.Optional(configMapKey('The CA of the certificate of the server, PEM. By default the CAs of the image.')),
    caSecretRef: Type.Optional(secretKey('The same in a Secret.')),
  }),
  ['!has(self.caConfigMapRef) || !has(self.caSecretRef)', 'caConfigMapRef and caSecretRef exclude each other'],
  [
    "self.url.startsWith('tls://') || !has(self.caConfigMapRef) && !has(self.caSecretRef)",
    'caConfigMapRef and caSecretRef are only for tls://',
  ],
);

export type SyslogParameters = Static<typeof SyslogParameters>;

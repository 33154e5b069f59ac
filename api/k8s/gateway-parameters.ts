// GatewayParameters: how the proxies of a Gateway run. The parameters of a Gateway win over those of its GatewayClass, field by field;
// fields that neither sets have the controller's defaults.
import { Type, type Static, type TSchema } from '#lib/typebox.ts';
import { configMapKey, duration, group, secretKey, texts, withRules } from './gateway-parameters-parts.ts';
import { SyslogParameters } from './gateway-parameters-syslog.ts';
import { TelemetryParameters } from './gateway-parameters-telemetry.ts';
import { closed, objectOf, WEIR_GROUP } from './schema.ts';

const opaque = (description: string) => Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description }));
const opaqueList = (description: string) =>
  Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 64, description }));
/** A number or a text, called IntOrString in the Kubernetes API. */
function intOrString(pattern: string, description: string) {
  return Type.Unsafe<number | string>({ type: ['integer', 'string'], minimum: 0, maxLength: 64, pattern, description } as TSchema);
}

const QUANTITY = '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$';
const quantities = (description: string) =>
  Type.Optional(
    Type.Record(Type.String(), intOrString(QUANTITY, 'a quantity like 2, 500m or 256Mi'), {
      description,
    }),
  );
const share = (description: string) => Type.Optional(intOrString('^(100|[1-9]?[0-9])%$', description));

/** The proxies that serve a Gateway. */
export const FLEETS = ['Shared', 'PerGateway'] as const;
export type FleetMode = (typeof FLEETS)[number];

const Autoscaling = withRules(
  group('A HorizontalPodAutoscaler decides how many proxies there are.', {
    min: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'At least so many proxies. 2 by default.' })),
    max: Type.Integer({ minimum: 1, maximum: 1_000, description: 'At most so many proxies.' }),
    cpuUtilization: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description:
          'The share of the requested CPU that proxies should use on average, in percent. 70 by default when there are no metrics.',
      }),
    ),
    metrics: opaqueList('Other metrics to scale by, as in spec.metrics of autoscaling/v2.'),
    behavior: opaque('How fast to scale, as in spec.behavior of autoscaling/v2.'),
  }),
  ['!has(self.min) || self.min <= self.max', 'min must not be greater than max'],
);

const Service = withRules(
  group('The Service in front of the proxies.', {
    type: Type.Optional(Type.Enum(['LoadBalancer', 'NodePort', 'ClusterIP'], { description: 'Its type; LoadBalancer by default.' })),
    annotations: texts('Annotations of the Service, such as cloud load balancers ask for.'),
    externalTrafficPolicy: Type.Optional(
      Type.Enum(['Cluster', 'Local'], { description: 'Local keeps the address of the client. Not for ClusterIP.' }),
    ),
    loadBalancerClass: Type.Optional(
      Type.String({ minLength: 1, maxLength: 253, description: 'Which load balancer is meant. Only for LoadBalancer.' }),
    ),
  }),
  ["!has(self.externalTrafficPolicy) || !has(self.type) || self.type != 'ClusterIP'", 'externalTrafficPolicy is not for ClusterIP'],
  ["!has(self.loadBalancerClass) || !has(self.type) || self.type == 'LoadBalancer'", 'loadBalancerClass is only for LoadBalancer'],
);

const Pod = group('The pods of the proxies.', {
  labels: texts('More labels.'),
  annotations: texts('More annotations.'),
  nodeSelector: texts('Labels of the nodes they may run on.'),
  tolerations: opaqueList('As in a pod.'),
  affinity: opaque('As in a pod.'),
  topologySpreadConstraints: opaqueList('As in a pod; a labelSelector that is left out selects the proxies. Spread over nodes by default.'),
  priorityClassName: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'As in a pod.' })),
});

const Disruption = withRules(
  group('How many proxies evictions may take at a time. One by default.', {
    minAvailable: share('So many must stay, or a share like 50%.'),
    maxUnavailable: share('So many may be missing, or a share like 50%.'),
  }),
  ['has(self.minAvailable) != has(self.maxUnavailable)', 'exactly one of minAvailable and maxUnavailable must be set'],
);

const Drain = group('How proxies end.', {
  delay: duration('How long they accept connections after they are told to end, while load balancers notice. 5s by default.'),
  timeout: duration('How long requests may take after that. 60s by default.'),
});

const AccessLog = group('The access log, on the standard output of the proxies; docs/reference/access-log.md says more.', {
  enabled: Type.Optional(Type.Boolean({ description: 'False: no access log. True by default.' })),
  format: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: 'The form of a line: json, common, combined or a template with %{field}. json by default.',
    }),
  ),
  fields: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 160 }), {
      minItems: 1,
      maxItems: 64,
      description: 'Fields of JSON lines: names alone replace the usual fields, names that begin with + or - change them.',
    }),
  ),
  filter: Type.Optional(
    Type.String({
      maxLength: 1_024,
      description: 'The lines that are written, like "status=5xx or duration>=1s or sample=0.01". All of them by default.',
    }),
  ),
  otlp: Type.Optional(Type.Boolean({ description: 'True: lines also go to the collector of telemetry.otlp. False by default.' })),
  syslog: Type.Optional(SyslogParameters),
  recentRequests: Type.Optional(
    Type.Enum(['Off', 'Failed', 'All'], {
      description:
        'The requests of the last hour whose lines proxies keep in memory for weir tail --since and weir trace. Failed by default; All costs as much as the log.',
    }),
  ),
});

const SecurityLog = group(
  'The log of security events, on the standard output of the proxies; docs/reference/security-events.md says more.',
  {
    enabled: Type.Optional(Type.Boolean({ description: 'False: no security log. True by default.' })),
  },
);

const HTTPS_URL = '^https://[^\\s/?#@]+(/[^\\s#]*)?$';

const Acme = withRules(
  group('Weir obtains the certificates of listeners whose Secrets do not exist, and renews them; docs/reference/acme.md says more.', {
    server: Type.String({
      minLength: 1,
      maxLength: 2_048,
      pattern: HTTPS_URL,
      description: 'The URL of the directory of the certificate authority.',
    }),
    email: Type.Optional(
      Type.String({ minLength: 3, maxLength: 320, pattern: '^[^\\s@,]+@[^\\s@,]+$', description: 'The contact of the account.' }),
    ),
    accountSecretName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          'The Secret with the key of the account, in the namespace of the Gateway. Weir creates it. weir-acme-account by default.',
      }),
    ),
    externalAccountBinding: Type.Optional(
      group('The customer account that the account is bound to, if the authority asks for one.', {
        keyId: Type.String({ minLength: 1, maxLength: 1_024, description: 'The name of the key.' }),
        secretRef: secretKey('The key, base64url as the authority gives it.'),
      }),
    ),
    challenge: Type.Optional(
      Type.Enum(['HTTP01', 'TLSALPN01', 'DNS01'], {
        description:
          'How to prove the control over a host: by an HTTP listener on port 80 (the default), a TLS listener on port 443, or DNS.',
      }),
    ),
    webhook: Type.Optional(
      group('The program that publishes records for DNS01.', {
        url: Type.String({ minLength: 1, maxLength: 2_048, pattern: HTTPS_URL, description: 'Requests go to this URL.' }),
        tokenSecretRef: Type.Optional(secretKey('The bearer token of the requests.')),
      }),
    ),
    renewBefore: duration(
      'How long before its end a certificate is renewed. By default when the authority proposes, or after two thirds of its lifetime.',
    ),
    caBundle: Type.Optional(
      Type.String({ minLength: 1, maxLength: 65_536, description: 'PEM certificates to verify the server and the webhook with.' }),
    ),
  }),
  ["!has(self.challenge) || self.challenge != 'DNS01' || has(self.webhook)", 'challenge DNS01 needs webhook'],
);

const REDIS_ADDRESS = '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)(:[0-9]{1,5})?$';

const RedisTls = withRules(
  group('TLS for connections to Redis; {} verifies with the CAs of the image.', {
    caConfigMapRef: Type.Optional(configMapKey('The CA of the certificate of Redis, PEM.')),
    caSecretRef: Type.Optional(secretKey('The same in a Secret.')),
    certificateSecretName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description: 'The Secret with tls.crt and tls.key, the certificate of the proxies, in the namespace of the Gateway.',
      }),
    ),
  }),
  ['!has(self.caConfigMapRef) || !has(self.caSecretRef)', 'caConfigMapRef and caSecretRef exclude each other'],
);

const Redis = withRules(
  group('The Redis of the proxies, for limits with the store Redis and sessions of logins; docs/reference/fleets.md says more.', {
    mode: Type.Optional(
      Type.Enum(['Single', 'Cluster', 'Sentinel'], {
        description: 'Single: one server (the default). Cluster: some nodes of a Cluster. Sentinel: the Sentinels of a master.',
      }),
    ),
    addresses: Type.Array(
      Type.String({ minLength: 1, maxLength: 261, pattern: REDIS_ADDRESS, '~must': 'an address like cache:6379' } as Parameters<
        typeof Type.String
      >[0]),
      {
        minItems: 1,
        maxItems: 32,
        description: 'HOST or HOST:PORT of the server, of nodes, or of Sentinels.',
      },
    ),
    masterName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        pattern: '^[-._A-Za-z0-9]+$',
        description: 'The name of the master. For Sentinel only.',
      }),
    ),
    database: Type.Optional(Type.Integer({ minimum: 0, maximum: 999, description: 'The number of the database. For Single only.' })),
    userSecretRef: Type.Optional(secretKey('The user of Redis.')),
    passwordSecretRef: Type.Optional(secretKey('The password of Redis.')),
    tls: Type.Optional(RedisTls),
    timeout: duration('How long a request waits for Redis. 100ms by default.'),
  }),
  ["(has(self.mode) && self.mode != 'Single') || size(self.addresses) == 1", 'mode Single needs exactly one address'],
  ["(has(self.mode) && self.mode == 'Sentinel') == has(self.masterName)", 'mode Sentinel needs masterName, other modes have none'],
  ["!has(self.database) || !has(self.mode) || self.mode == 'Single'", 'database is for mode Single only'],
);

export const GatewayParametersSpec = withRules(
  closed({
    fleet: Type.Optional(
      Type.Enum([...FLEETS], {
        description: 'PerGateway: the Gateway has dedicated proxies with the settings of this object. Shared: the shared proxies serve it.',
      }),
    ),
    replicas: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000, description: 'How many proxies. 2 by default.' })),
    autoscaling: Type.Optional(Autoscaling),
    resources: Type.Optional(
      group('The resources of the container of a proxy.', {
        requests: quantities('The resources that are reserved for the container.'),
        limits: quantities('The most that the container may use. Without workers the CPU limit is also the number of workers.'),
      }),
    ),
    workers: Type.Optional(Type.Integer({ minimum: 1, maximum: 256, description: 'Worker processes of a proxy.' })),
    image: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'The image of the proxies.' })),
    service: Type.Optional(Service),
    pod: Type.Optional(Pod),
    podDisruptionBudget: Type.Optional(Disruption),
    drain: Type.Optional(Drain),
    accessLog: Type.Optional(AccessLog),
    securityLog: Type.Optional(SecurityLog),
    telemetry: Type.Optional(TelemetryParameters),
    acme: Type.Optional(Acme),
    redis: Type.Optional(Redis),
    limits: texts('Limits of the proxies by the names of their flags, without the dashes: max-connections: "5000".'),
  }),
  ['!has(self.replicas) || !has(self.autoscaling)', 'replicas and autoscaling exclude each other'],
);
export type GatewayParametersSpec = Static<typeof GatewayParametersSpec>;

/** The Redis of the proxies. */
export type RedisParameters = NonNullable<GatewayParametersSpec['redis']>;

export const GatewayParameters = objectOf(`${WEIR_GROUP}/v1alpha1`, 'GatewayParameters', GatewayParametersSpec);
export type GatewayParameters = Static<typeof GatewayParameters>;

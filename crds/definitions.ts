// The CustomResourceDefinitions of Weir's own kinds, generated from the schemas that validate files.
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { ParentReference } from '#api/k8s/reference.ts';
import { OWN_POLICIES } from '#api/k8s/policies.ts';
import type { TSchema } from '#lib/typebox.ts';
import { stringify } from 'yaml';
import { structuralSchema } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** The parts of a definition besides the schema. */
export interface Presentation {
  readonly kind: KindName;
  readonly description: string;
  readonly shortNames: readonly string[];
  /** Columns of `kubectl get` besides name and age. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly jsonPath: string; readonly description: string }[];
  readonly status: StructuralSchema;
}

/** metav1.Condition, with the limits of the Gateway API. */
const CONDITION: StructuralSchema = {
  type: 'object',
  required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  properties: {
    type: { type: 'string', maxLength: 316, description: 'What the condition is about, such as Accepted.' },
    status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
    reason: { type: 'string', minLength: 1, maxLength: 1024, description: 'The reason in one word, for programs.' },
    message: { type: 'string', maxLength: 32768, description: 'The reason in words.' },
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'The generation of the object that the condition is about.',
    },
    lastTransitionTime: { type: 'string', format: 'date-time', description: 'When status changed last.' },
  },
};

const CONDITIONS: StructuralSchema = {
  type: 'array',
  description: 'What is true of the object, one entry for each type.',
  maxItems: 8,
  items: CONDITION,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
};

const OBJECT_STATUS: StructuralSchema = {
  type: 'object',
  description: 'What controllers say about this object.',
  properties: { conditions: CONDITIONS },
};

const ANCESTOR_TEXTS: Readonly<Record<string, string>> = {
  group: 'The API group of the object.',
  kind: 'The kind of the object.',
  namespace: 'Its namespace.',
  name: 'Its name.',
  sectionName: 'The listener, where the policy is for one.',
  port: 'The port, where the policy is for one.',
};

/** A reference as statuses have it, with texts of its own. */
function ancestorSchema(): StructuralSchema {
  const schema = structuralSchema(ParentReference);
  const fields = Object.entries(schema['properties'] as Readonly<Record<string, StructuralSchema>>);
  const properties = Object.fromEntries(fields.map(([name, field]) => [name, { ...field, description: ANCESTOR_TEXTS[name] }]));
  return { ...schema, properties };
}

/** GEP-713 (PolicyStatus): an entry for each ancestor, most often a Gateway, and each controller. */
const POLICY_STATUS: StructuralSchema = {
  type: 'object',
  description: 'What controllers say about this policy, for each object that it takes effect through.',
  properties: {
    ancestors: {
      type: 'array',
      description: 'One entry for each ancestor and each controller.',
      maxItems: 16,
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        required: ['ancestorRef', 'controllerName', 'conditions'],
        properties: {
          ancestorRef: {
            description: 'The object: a Gateway in most cases.',
            ...ancestorSchema(),
          },
          controllerName: { type: 'string', minLength: 1, maxLength: 253, description: 'The controller that wrote the entry.' },
          conditions: { ...CONDITIONS, minItems: 1 },
        },
      },
    },
  },
};

/** In the order of the reference. */
export const OWN_KINDS: readonly Presentation[] = [
  {
    kind: 'Backend',
    description: 'Endpoints outside Kubernetes that a route may refer to like a Service.',
    shortNames: ['wbe'],
    columns: [
      { name: 'Protocol', type: 'string', jsonPath: '.spec.protocol', description: 'What the endpoints speak.' },
      { name: 'Endpoint', type: 'string', jsonPath: '.spec.endpoints[0].ip', description: 'The first address.' },
      {
        name: 'Resolved',
        type: 'string',
        jsonPath: '.status.conditions[?(@.type=="EndpointsResolved")].status',
        description: 'Whether every endpoint is known.',
      },
    ],
    status: OBJECT_STATUS,
  },
  ...OWN_POLICIES.map(({ kind, description, shortNames }) => ({
    kind,
    description,
    shortNames,
    columns: [
      { name: 'Kind', type: 'string', jsonPath: '.spec.targetRefs[0].kind', description: 'The kind of the first target.' },
      { name: 'Target', type: 'string', jsonPath: '.spec.targetRefs[0].name', description: 'The name of the first target.' },
      {
        name: 'Accepted',
        type: 'string',
        jsonPath: '.status.ancestors[0].conditions[?(@.type=="Accepted")].status',
        description: 'Whether the policy is in force, for its first ancestor.',
      },
    ],
    status: POLICY_STATUS,
  })),
  {
    kind: 'Consumer',
    description: 'A caller that Weir knows: its credentials, groups and plan. SecurityPolicies of the same namespace authenticate it.',
    shortNames: ['wco'],
    columns: [
      { name: 'Plan', type: 'string', jsonPath: '.spec.plan', description: 'The plan.' },
      { name: 'Groups', type: 'string', jsonPath: '.spec.groups', description: 'The groups.' },
      { name: 'Disabled', type: 'boolean', jsonPath: '.spec.disabled', description: 'Whether every credential is refused.' },
      { name: 'Expires', type: 'string', jsonPath: '.spec.expires', description: 'When every credential ends.' },
      {
        name: 'Resolved',
        type: 'string',
        jsonPath: '.status.conditions[?(@.type=="ResolvedRefs")].status',
        description: 'Whether every credential is usable.',
      },
    ],
    status: OBJECT_STATUS,
  },
  {
    kind: 'AlertRule',
    description:
      'A condition over what Weir sees, or a query of Prometheus, that leads to notifications. The leader of the controllers evaluates it.',
    shortNames: ['war'],
    columns: [
      { name: 'Severity', type: 'string', jsonPath: '.spec.severity', description: 'How urgent an alert is.' },
      { name: 'Each', type: 'string', jsonPath: '.spec.each', description: 'The subjects of the rule.' },
      {
        name: 'Accepted',
        type: 'string',
        jsonPath: '.status.conditions[?(@.type=="Accepted")].status',
        description: 'Whether the rule is valid.',
      },
      {
        name: 'Firing',
        type: 'string',
        jsonPath: '.status.conditions[?(@.type=="Firing")].status',
        description: 'Whether an alert of the rule fires.',
      },
    ],
    status: OBJECT_STATUS,
  },
  {
    kind: 'NotificationChannel',
    description: 'Where notifications of alerts go, and how they are grouped and repeated.',
    shortNames: ['wnc'],
    columns: [
      { name: 'Default', type: 'boolean', jsonPath: '.spec.default', description: 'Whether rules without channels use it.' },
      {
        name: 'Accepted',
        type: 'string',
        jsonPath: '.status.conditions[?(@.type=="Accepted")].status',
        description: 'Whether the channel is valid.',
      },
      {
        name: 'Delivered',
        type: 'string',
        jsonPath: '.status.conditions[?(@.type=="Delivered")].status',
        description: 'Whether the last notification was delivered.',
      },
    ],
    status: OBJECT_STATUS,
  },
  {
    kind: 'GatewayParameters',
    description:
      'How the proxies of Gateways are run. A GatewayClass or a Gateway refers to it (parametersRef); the Gateway wins, field by field.',
    shortNames: ['gwp'],
    columns: [
      { name: 'Fleet', type: 'string', jsonPath: '.spec.fleet', description: 'The kind of proxies that serve the Gateways.' },
      { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', description: 'How many proxies, unless they are scaled.' },
      { name: 'Max', type: 'integer', jsonPath: '.spec.autoscaling.max', description: 'How many proxies at most, when they are scaled.' },
      { name: 'Service', type: 'string', jsonPath: '.spec.service.type', description: 'The type of the Service.' },
    ],
    status: OBJECT_STATUS,
  },
];

/** A file of this folder. */
export interface DefinitionFile {
  readonly name: string;
  readonly text: string;
}

/** The text of every definition file. */
export function definitionFiles(): DefinitionFile[] {
  return OWN_KINDS.map((presentation) => {
    const definition = definitionOf(presentation);
    const text = stringify(definition, { lineWidth: 0, singleQuote: true, version: '1.1' });
    const [plural, ...group] = definition.metadata.name.split('.');
    return { name: `${group.join('.')}_${plural}.yaml`, text: `# Written by \`npm run crds\` from api/k8s.\n${text}` };
  });
}

function definitionOf({ kind, description, shortNames, columns, status }: Presentation) {
  const { apiVersion, plural, namespaced, schema } = KINDS[kind];
  const [group, version] = apiVersion.split('/') as [string, string];
  const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames, categories: ['weir'] },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', description, ...wholeObject(schema, status) } },
          subresources: { status: {} },
          additionalPrinterColumns: [...columns, age],
        },
      ],
    },
  };
}

/** The API server defines apiVersion, kind and metadata itself. Of metadata it refuses a definition that says more than its type. */
function wholeObject(schema: TSchema, status: StructuralSchema): StructuralSchema {
  const { spec } = (schema as unknown as { readonly properties: { readonly spec: TSchema } }).properties;
  const kept = {
    apiVersion: { type: 'string', description: 'The group and version of the schema.' },
    kind: { type: 'string', description: 'The kind of the object.' },
    metadata: { type: 'object' },
  };
  const properties = { ...kept, spec: { description: 'What is wanted.', ...structuralSchema(spec) }, status };
  return { properties, required: ['spec'] };
}

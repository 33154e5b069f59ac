// Rules of the BackendTLSPolicy CRD that a schema cannot express (CEL there), for policies from files.
import type { BackendTlsPolicy } from './backend-tls-policy.ts';
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';

/** The rules that a policy violates. */
export function checkBackendTlsPolicy({ spec }: BackendTlsPolicy): FieldError[] {
  const { caCertificateRefs, wellKnownCACertificates = '', subjectAltNames } = spec.validation;
  const named = Number(caCertificateRefs.length > 0) + Number(wellKnownCACertificates !== '');
  return [
    ...checkTargets(spec.targetRefs),
    ...(named === 1 ? [] : [{ field: 'spec.validation', reason: 'must have either caCertificateRefs or wellKnownCACertificates' }]),
    ...subjectAltNames.flatMap(({ type, hostname, uri }, i) => {
      const [own, other] = type === 'URI' ? ['uri', 'hostname'] : ['hostname', 'uri'];
      const [has, hasOther] = type === 'URI' ? [uri, hostname] : [hostname, uri];
      const field = `spec.validation.subjectAltNames[${i}]`;
      return [
        ...(has === undefined ? [{ field: `${field}.${own}`, reason: `is required for type ${type}` }] : []),
        ...(hasOther === undefined ? [] : [{ field: `${field}.${other}`, reason: `must not be set for type ${type}` }]),
      ];
    }),
  ];
}

/** References to one object must all name sections, and different ones. */
function checkTargets(targets: BackendTlsPolicy['spec']['targetRefs']): FieldError[] {
  const objects = targets.map(({ group, kind, name }) => `${group}/${kind}/${name}`);
  const whole = targets.flatMap(({ sectionName }, i) => {
    const siblings = objects.filter((object) => object === objects[i]).length;
    return sectionName === undefined && siblings > 1
      ? [{ field: `spec.targetRefs[${i}].sectionName`, reason: 'is required beside another reference to the same target' }]
      : [];
  });
  const twice = repeated(targets.map(({ sectionName = '' }, i) => `${objects[i]}/${sectionName}`));
  return [...whole, ...twice.map((i) => ({ field: `spec.targetRefs[${i}]`, reason: 'is listed twice' }))];
}

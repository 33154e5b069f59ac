// Rules of Consumers that a schema cannot express (CEL in the CRD, where possible), for Consumers from files.
import { CERTIFICATE_FIELDS, CREDENTIAL_TYPES, ONE_CERTIFICATE_FIELD, ONE_CREDENTIAL } from './consumer.ts';
import type { Consumer, ConsumerCredential } from './consumer.ts';
import type { FieldError } from './field-error.ts';

/** The rules that a Consumer violates. */
export function checkConsumer({ spec }: Consumer): FieldError[] {
  return [
    ...checkTime('spec.expires', spec.expires),
    ...spec.credentials.flatMap((one, i) => checkCredential(one, `spec.credentials[${i}]`)),
  ];
}

/** The rules that one credential violates; `field` is its path. */
export function checkCredential(credential: ConsumerCredential, field: string): FieldError[] {
  const { certificate, notBefore, expires } = credential;
  const types = CREDENTIAL_TYPES.filter((type) => credential[type] !== undefined);
  const named = CERTIFICATE_FIELDS.filter((name) => certificate?.[name] !== undefined);
  const isReversed = notBefore !== undefined && expires !== undefined && Date.parse(notBefore) >= Date.parse(expires);
  return [
    ...(types.length === 1 ? [] : [{ field, reason: ONE_CREDENTIAL }]),
    ...(certificate === undefined || named.length === 1 ? [] : [{ field: `${field}.certificate`, reason: ONE_CERTIFICATE_FIELD }]),
    ...checkTime(`${field}.notBefore`, notBefore),
    ...checkTime(`${field}.expires`, expires),
    ...(isReversed ? [{ field: `${field}.expires`, reason: 'must be later than notBefore' }] : []),
  ];
}

/** A pattern accepts days that no month has. */
function checkTime(field: string, text: string | undefined): FieldError[] {
  return text !== undefined && Number.isNaN(Date.parse(text)) ? [{ field, reason: 'is no time that exists' }] : [];
}

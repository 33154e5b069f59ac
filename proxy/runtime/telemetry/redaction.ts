// What is hidden in what proxies tell about the requests of a rule, from `redaction` of TelemetryPolicies.
import { RE2JS } from 're2js';
import type { PolicySettings } from '#api/policy/settings.ts';
import { parsePointer } from '#lib/json-pointer.ts';
import { Redactor, SECRET_FORMS } from '#lib/redaction/redactor.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['redaction']>;

/** Null: no policy sets any of it. */
export function redactorOf(settings: Settings | undefined): Redactor | null {
  if (settings === undefined) return null;
  const { names = [], patterns = [], jsonPointers = [], allow = [] } = settings;
  // The rules of the policy have been checked.
  const pointers = jsonPointers.map(parsePointer).flatMap((pointer) => (pointer.ok ? [pointer.value] : []));
  const forms = SECRET_FORMS.filter((form) => !allow.includes(form));
  return new Redactor({ names, patterns: patterns.map((pattern) => RE2JS.compile(pattern)), pointers, forms });
}
